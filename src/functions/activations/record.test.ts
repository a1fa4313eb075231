import { describe, expect, test } from 'vitest';
import { parseDigest } from '../../blobs/index.ts';
import type { CompletionStatus } from '../../dispatch/index.ts';
import { isJsonObject, newActivationId } from '../../lib/index.ts';
import { isEntityName, isNamespaceName } from '../entities/names.ts';
import { completion, failure } from '../platform.fixture.ts';
import {
  type ActivationEnd,
  endWithoutSandbox,
  frameOfTask,
  pendingRecord,
  recordOf,
  serialiseRecord,
  serialiseResult,
  storedRecord,
} from './record.ts';
import { isArrayResult, readResult } from './result.ts';
import type { CodeTask, ComposedTask, Task } from './task.ts';

function taskOf(more: Partial<CodeTask> = {}): CodeTask {
  return {
    type: 'code',
    activationId: newActivationId(),
    transactionId: 't1',
    namespace: 'guest',
    action: '/guest/pkg/hello',
    version: '0.0.1',
    revision: 'r1',
    kind: 'nodejs:24',
    code: { digest: parseDigest(`sha256:${'0'.repeat(64)}`), binary: false, main: 'main' },
    limits: { timeoutMs: 60_000, memoryMiB: 256, logBytes: 512 * 1024, concurrency: 1 },
    initEnv: {},
    parameters: {},
    acceptedAt: 1000,
    ...more,
  };
}

function recorded(task: Task, ended: ActivationEnd) {
  const record = recordOf(task, frameOfTask(task), ended);
  const document: unknown = JSON.parse(serialiseRecord(record).toString());
  if (!isJsonObject(document)) throw new Error('no object');
  return { record, document };
}

test('a record is the document and the response, each as compact JSON', () => {
  const task = taskOf();
  const ended = completion({ 'ü"': [1] }, { startedAt: 1000, endedAt: 1007, waitMs: 0.5, initMs: 3 });
  const { record, document } = recorded(task, ended);
  const { response, logs, ...rest } = document;
  expect(record.documentJson).toBe(JSON.stringify(rest));
  expect(storedRecord(record).responseJson).toBe(JSON.stringify(response));
  expect(logs).toEqual([]);
  expect(record).toMatchObject({ name: 'hello', path: 'pkg/hello', start: 1000, end: 1007, statusCode: 0 });
  expect(document).toMatchObject({
    name: 'hello',
    duration: 7,
    annotations: [
      { key: 'path', value: 'guest/pkg/hello' },
      { key: 'kind', value: 'nodejs:24' },
      { key: 'waitTime', value: 0.5 },
      { key: 'timeout', value: false },
      { key: 'limits', value: { concurrency: 1, logs: 0.5, memory: 256, timeout: 60_000 } },
      { key: 'start', value: 'warm' },
      { key: 'initTime', value: 3 },
    ],
  });
});

test.each<[CompletionStatus, number]>([
  ['success', 0],
  ['application error', 1],
  ['action developer error', 2],
  ['whisk internal error', 3],
])('%s has the code %i', (status, code) => {
  const { record, document } = recorded(taskOf(), failure(status, 'x'));
  expect(record.statusCode).toBe(code);
  expect(document['response']).toEqual({ status, success: code === 0, result: { error: 'x' }, size: 13 });
});

test('the result’s text is used unchanged', () => {
  const json = '{"a":1.0,   "a":2}';
  const { record } = recorded(taskOf(), completion({ a: 2 }, { json }));
  expect(serialiseResult(record)).toBe(json);
  expect(storedRecord(record).responseJson).toContain(`"result":${json},`);
});

test('a kind, which an operator chooses, may contain any character', () => {
  const kind = 'a"b\\c\n';
  const { document } = recorded(taskOf({ kind }), completion({}));
  expect(document['annotations']).toContainEqual({ key: 'kind', value: kind });
});

describe('what is put into the text unescaped', () => {
  const characters = Array.from({ length: 0x1_0000 }, (_, code) => String.fromCharCode(code));

  test('is a name: no character of one is escaped in JSON', () => {
    const allowed = characters.filter((each) => isNamespaceName(`a${each}a`) || isEntityName(`a${each}a`));
    expect(allowed.length).toBe(68);
    const name = `a${allowed.join('')}a`;
    expect(isNamespaceName(name)).toBe(true);
    expect(JSON.stringify(name)).toBe(`"${name}"`);
    const { document } = recorded(taskOf({ namespace: name, action: `/${name}/${name}` }), completion({}));
    expect(document).toMatchObject({ namespace: name, subject: name, name });
  });

  test('is an id: no character of one is escaped in JSON', () => {
    const id = newActivationId();
    expect(JSON.stringify(id)).toBe(`"${id}"`);
    expect(recorded(taskOf({ activationId: id }), completion({})).document['activationId']).toBe(id);
  });
});

test('says why it was not warm, and where the time went', () => {
  const ended = completion(
    {},
    {
      ...{ start: 'cold', startReason: 'all its sandboxes were busy', sandboxMs: 41, initMs: 9 },
      ...{ waitMs: 44, waitReason: 'no memory was free for another sandbox' },
    },
  );
  const { annotations } = recorded(taskOf(), ended).document;
  expect(annotations).toEqual(
    expect.arrayContaining([
      { key: 'waitTime', value: 44 },
      { key: 'waitReason', value: 'no memory was free for another sandbox' },
      { key: 'start', value: 'cold' },
      { key: 'startReason', value: 'all its sandboxes were busy' },
      { key: 'sandboxTime', value: 41 },
      { key: 'initTime', value: 9 },
    ]),
  );
});

test('names its trace, if that is exported', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const note = { key: 'traceId', value: traceId };
  const task = taskOf({ traceparent: `00-${traceId}-b7ad6b7169203331-01` });
  expect(recorded(task, completion({})).document['annotations']).toContainEqual(note);
  expect(pendingRecord(task, frameOfTask(task))['annotations']).toContainEqual(note);
  for (const traceparent of [undefined, `00-${traceId}-b7ad6b7169203331-00`]) {
    const other = recorded(taskOf({ traceparent }), completion({}));
    expect(other.record.documentJson).not.toContain('trace');
  }
});

test('through a binding, it is found under the binding’s name and has both names', () => {
  const { record, document } = recorded(
    taskOf({ binding: 'guest/bound', cause: 'c'.repeat(32) }),
    completion({}),
  );
  expect(record.path).toBe('bound/hello');
  expect(document).toMatchObject({ cause: 'c'.repeat(32) });
  expect(document['annotations']).toEqual(
    expect.arrayContaining([
      { key: 'path', value: 'guest/pkg/hello' },
      { key: 'binding', value: 'guest/bound' },
      { key: 'causedBy', value: 'sequence' },
    ]),
  );
});

const sequence: ComposedTask = {
  type: 'composed',
  activationId: newActivationId(),
  transactionId: 't1',
  namespace: 'guest',
  action: '/guest/all',
  named: '/guest/all',
  version: '0.0.1',
  kind: 'sequence',
  isConductor: false,
  scope: 'full',
  limits: { timeoutMs: 60_000, memoryMiB: 256, logBytes: 0, concurrency: 1 },
  parameters: {},
  acceptedAt: 1000,
};

test('of a sequence, has the sum of its parts and their largest memory', () => {
  const ended = { ...endWithoutSandbox('success', { a: 1 }, 1000, 2000), durationMs: 70, memoryMiB: 512 };
  const { document } = recorded(sequence, ended);
  expect(document).toMatchObject({ duration: 70, start: 1000, end: 2000, name: 'all' });
  expect(document['annotations']).toEqual([
    { key: 'path', value: 'guest/all' },
    { key: 'kind', value: 'sequence' },
    { key: 'topmost', value: true },
    { key: 'limits', value: { concurrency: 1, logs: 0, memory: 512, timeout: 60_000 } },
  ]);
});

test('of an activation that has not ended, has no end', () => {
  expect(pendingRecord(taskOf(), frameOfTask(taskOf()))).toMatchObject({
    name: 'hello',
    start: 1000,
    response: { status: 'pending', success: false },
  });
  expect(pendingRecord(sequence, frameOfTask(sequence))).not.toHaveProperty('end');
});

test('a large result is copied for an answer, and moved to the store', () => {
  const task = taskOf();
  const result = { text: 'ü'.repeat(50_000) };
  const ended = completion(result, { startedAt: 1000, endedAt: 1007 });
  const utf8 = Buffer.from(ended.json);
  const { record, document } = recorded(task, { ...ended, utf8 });
  const small = recorded(task, ended);
  expect(document).toEqual(small.document);
  expect(readResult(record.result)).toEqual({ value: result, json: ended.json });
  const answers = [serialiseRecord(record), serialiseResult(record)];
  const { responseJson } = storedRecord(record);
  if (responseJson === null || typeof responseJson === 'string') throw new Error('not as bytes');
  expect(Buffer.concat(responseJson.pieces).toString()).toBe(storedRecord(small.record).responseJson);
  for (const { buffer } of responseJson.pieces) buffer.transfer(0);
  expect(answers.map(String)).toEqual([serialiseRecord(small.record), ended.json]);
});

test('a large result can no longer be read after the store took it', () => {
  const utf8 = Buffer.alloc(100, '[1]'.padEnd(100));
  const record = recordOf(taskOf(), frameOfTask(taskOf()), { ...completion([1]), utf8 });
  expect(isArrayResult(record.result)).toBe(true);
  utf8.buffer.transfer(0);
  for (const read of [serialiseRecord, serialiseResult, storedRecord])
    expect(() => read(record)).toThrow('before the store had it');
});
