import { describe, expect, test } from 'vitest';
import { parseDigest } from '../images/index.ts';
import type { Completion, CompletionStatus, Job } from '../invoker/index.ts';
import { isJsonObject, newActivationId } from '../lib/index.ts';
import { isEntityName, isNamespaceName } from './names.ts';
import { completion, failure } from './platform.fixture.ts';
import { frameOf, recordOf, serialiseRecord } from './record.ts';

function jobOf(more: Partial<Job> = {}): Job {
  return {
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

function recorded(job: Job, ended: Completion) {
  const record = recordOf(job, frameOf(job), ended);
  const document: unknown = JSON.parse(serialiseRecord(record));
  if (!isJsonObject(document)) throw new Error('no object');
  return { record, document };
}

test('a record is the document and the response, each as compact JSON', () => {
  const job = jobOf();
  const ended = completion({ 'ü"': [1] }, { startedAt: 1000, endedAt: 1007, waitMs: 0.5, initMs: 3 });
  const { record, document } = recorded(job, ended);
  const { response, logs, ...rest } = document;
  expect(record.documentJson).toBe(JSON.stringify(rest));
  expect(record.responseJson).toBe(JSON.stringify(response));
  expect(logs).toEqual([]);
  expect(record).toMatchObject({ name: 'hello', path: 'pkg/hello', start: 1000, end: 1007, statusCode: 0 });
  expect(document).toMatchObject({
    name: 'hello',
    duration: 7,
    annotations: [
      { key: 'path', value: 'guest/pkg/hello' },
      { key: 'waitTime', value: 0.5 },
      { key: 'kind', value: 'nodejs:24' },
      { key: 'timeout', value: false },
      { key: 'limits', value: { concurrency: 1, logs: 0.5, memory: 256, timeout: 60_000 } },
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
  const { record, document } = recorded(jobOf(), failure(status, 'x'));
  expect(record.statusCode).toBe(code);
  expect(document['response']).toEqual({ status, success: code === 0, result: { error: 'x' }, size: 13 });
});

test('the result is taken as the text that it is', () => {
  const json = '{"a":1.0,   "a":2}';
  const { record } = recorded(jobOf(), completion({ a: 2 }, { json }));
  expect(record.resultJson).toBe(json);
  expect(record.responseJson).toContain(`"result":${json},`);
});

test('a kind, which an operator chooses, may hold anything', () => {
  const kind = 'a"b\\c\n';
  const { document } = recorded(jobOf({ kind }), completion({}));
  expect(document['annotations']).toContainEqual({ key: 'kind', value: kind });
});

describe('what is put into the text as it is', () => {
  const characters = Array.from({ length: 0x1_0000 }, (_, code) => String.fromCharCode(code));

  test('is a name: no character of one is escaped in JSON', () => {
    const allowed = characters.filter((each) => isNamespaceName(`a${each}a`) || isEntityName(`a${each}a`));
    expect(allowed.length).toBe(68);
    const name = `a${allowed.join('')}a`;
    expect(isNamespaceName(name)).toBe(true);
    expect(JSON.stringify(name)).toBe(`"${name}"`);
    const { document } = recorded(jobOf({ namespace: name, action: `/${name}/${name}` }), completion({}));
    expect(document).toMatchObject({ namespace: name, subject: name, name });
  });

  test('is an id: no character of one is escaped in JSON', () => {
    const id = newActivationId();
    expect(JSON.stringify(id)).toBe(`"${id}"`);
    expect(recorded(jobOf({ activationId: id }), completion({})).document['activationId']).toBe(id);
  });
});
