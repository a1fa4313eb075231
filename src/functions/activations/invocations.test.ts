import { describe, expect, test, vi } from 'vitest';
import type { ActivationLog } from '../../dispatch/index.ts';
import { isJsonObject, type JsonObject } from '../../lib/index.ts';
import { completion, type EndedJob, hello, type Platform, ref, startPlatform } from '../platform.fixture.ts';
import { fromQueue, toQueue } from './accepted-task.ts';
import type { InvokeRequest } from './invocations.ts';
import { serialiseRecord } from './record.ts';
import type { Task } from './task.ts';

async function withHello(body: object = {}): Promise<Platform> {
  const platform = await startPlatform();
  await platform.functions.actions.put(ref('hello'), { ...hello, ...body }, false, platform.guest);
  return platform;
}

function call(platform: Platform, more: Partial<InvokeRequest> = {}) {
  return platform.functions.invocations.invoke({
    identity: platform.guest,
    action: ref('hello'),
    payload: {},
    waitMs: 10_000,
    transactionId: 't1',
    authorization: platform.authorization,
    ...more,
  });
}

const lostLogNote = { key: 'partialLog', value: 'lost' };
const stored = (platform: Platform, id: string) => platform.functions.activations.get('guest', id);

describe('a blocking call', () => {
  test('gives the invoker all that it needs', async () => {
    await using platform = await withHello({
      parameters: [{ key: 'a', value: 1 }],
      limits: { timeout: 500, memory: 128, logs: 1, concurrency: 2 },
    });
    const { activationId } = await call(platform, { payload: { b: 2 } });
    expect(platform.invoker.jobs).toEqual([
      {
        type: 'code',
        activationId,
        transactionId: 't1',
        namespace: 'guest',
        action: '/guest/hello',
        version: '0.0.1',
        revision: expect.stringMatching(/^[0-9a-f]{32}$/),
        kind: 'nodejs:24',
        code: { digest: expect.stringMatching(/^sha256:/), binary: false, main: 'main' },
        limits: { timeoutMs: 500, memoryMiB: 128, logBytes: 1024 * 1024, concurrency: 2 },
        namespaceConcurrency: 30,
        initEnv: {},
        providesApiKey: false,
        parameters: { a: 1, b: 2 },
        acceptedAt: expect.any(Number),
      },
    ]);
    expect(activationId).toMatch(/^[0-9a-f]{32}$/);
  });

  test('of a warm action reads nothing from the store', async () => {
    await using platform = await withHello();
    const first = await call(platform);
    await stored(platform, first.activationId);
    const { entities, namespaces } = platform.store;
    const reads = [
      vi.spyOn(entities, 'get'),
      vi.spyOn(namespaces, 'byName'),
      vi.spyOn(namespaces, 'byKeyId'),
    ];
    await platform.functions.namespaces.authenticate(platform.authorization);
    await call(platform);
    for (const read of reads) expect(read).not.toHaveBeenCalled();
  });

  test.each(['nodejs:default', 'python:default'])(
    'of %s without code ends as in OpenWhisk, and starts nothing',
    async (kind) => {
      await using platform = await withHello();
      await platform.functions.actions.put(ref('hello'), { exec: { kind, code: '' } }, true, platform.guest);
      const { activationId, record } = await call(platform);
      expect(record?.status).toBe('action developer error');
      expect(await stored(platform, activationId)).toMatchObject({
        response: { result: { error: 'Missing main/no code to execute.' } },
      });
      expect([platform.invoker.jobs.length, platform.invoker.inFlight]).toEqual([0, 0]);
    },
  );

  test('answers with the record, which is kept with its logs', async () => {
    await using platform = await withHello();
    const logs = ['2026-01-01T10:00:00.123456789Z stdout: hello'];
    platform.invoker.script = () =>
      completion(
        { x: 1 },
        { startedAt: 1000, endedAt: 1007, waitMs: 3, initMs: 5, log: Promise.resolve(logs) },
      );
    const { activationId, record: answered } = await call(platform);
    const record = {
      activationId,
      namespace: 'guest',
      name: 'hello',
      version: '0.0.1',
      publish: false,
      subject: 'guest',
      start: 1000,
      end: 1007,
      duration: 7,
      annotations: [
        { key: 'path', value: 'guest/hello' },
        { key: 'kind', value: 'nodejs:24' },
        { key: 'waitTime', value: 3 },
        { key: 'timeout', value: false },
        { key: 'limits', value: { concurrency: 1, logs: 10, memory: 256, timeout: 60_000 } },
        { key: 'start', value: 'warm' },
        { key: 'initTime', value: 5 },
      ],
      response: { status: 'success', success: true, result: { x: 1 }, size: 7 },
    };
    if (answered === undefined) throw new Error('no record');
    expect(JSON.parse(serialiseRecord(answered).toString())).toEqual({ ...record, logs: [] });
    expect(await stored(platform, activationId)).toEqual({ ...record, logs });
  });

  test('is listed as soon as it has answered, even while its logs are being read', async () => {
    await using platform = await withHello();
    const logs = Promise.withResolvers<ActivationLog>();
    platform.invoker.script = () => completion({}, { log: logs.promise });
    const { activationId } = await call(platform);
    const { activations } = platform.functions;
    const listed = activations.list({ namespace: 'guest', skip: 0, limit: 10 });
    const read = activations.logs('guest', activationId);
    logs.resolve({ parts: [['a line']], partial: 'cut' });
    expect((await listed).map((each) => each['activationId'])).toEqual([activationId]);
    expect(await read).toEqual(['a line']);
    const { annotations } = await stored(platform, activationId);
    expect(annotations).toContainEqual({ key: 'partialLog', value: 'cut' });
  });

  test('that outlasts its wait is accepted, and recorded when it ends', async () => {
    await using platform = await withHello();
    const end = Promise.withResolvers<EndedJob>();
    platform.invoker.script = () => end.promise;
    const { activationId, record } = await call(platform, { waitMs: 1 });
    expect(record).toBeUndefined();
    expect(await platform.store.accepted.pending(10)).toMatchObject([{ activationId, attempt: 1 }]);
    end.resolve(completion({ late: true }));
    await expect.poll(() => platform.store.accepted.pending(10)).toEqual([]);
    expect(await stored(platform, activationId)).toMatchObject({ response: { result: { late: true } } });
    expect(platform.invoker.inFlight).toBe(0);
  });

  test('that the invoker refuses is refused, and leaves nothing behind', async () => {
    await using platform = await withHello();
    platform.invoker.script = () => Promise.reject(new Error('no room'));
    await expect(call(platform)).rejects.toThrow('no room');
    expect(platform.invoker.inFlight).toBe(0);
    expect(await platform.functions.activations.count({ namespace: 'guest' })).toBe(0);
  });

  test('that the invoker refuses after the wait is recorded as an internal error', async () => {
    await using platform = await withHello();
    const end = Promise.withResolvers<EndedJob>();
    platform.invoker.script = () => end.promise;
    const { activationId } = await call(platform, { waitMs: 1 });
    end.reject(new Error('no room'));
    await expect.poll(() => platform.store.accepted.pending(10)).toEqual([]);
    expect(await stored(platform, activationId)).toMatchObject({
      response: { status: 'whisk internal error', success: false, result: { error: 'no room' } },
    });
  });

  test('counts against the namespace until it ends', async () => {
    await using platform = await withHello();
    const identity = {
      ...platform.guest,
      limits: { ...platform.guest.limits, concurrentInvocations: 1 },
    };
    const end = Promise.withResolvers<EndedJob>();
    platform.invoker.script = () => end.promise;
    const first = call(platform, { identity });
    await expect.poll(() => platform.invoker.inFlight).toBe(1);
    await expect(call(platform, { identity })).rejects.toMatchObject({ kind: 'throttled' });
    end.resolve(completion({}));
    await first;
    expect(platform.invoker.inFlight).toBe(0);
  });

  test('keeps its code to the end, even if its action is deleted', async () => {
    await using platform = await withHello();
    const end = Promise.withResolvers<EndedJob>();
    platform.invoker.script = () => end.promise;
    const running = call(platform);
    await expect.poll(() => platform.invoker.jobs.length).toBe(1);
    const digest = platform.invoker.jobs[0]?.code.digest;
    if (digest === undefined) throw new Error('no job');
    await platform.functions.actions.delete(ref('hello'));
    expect(await platform.blobs.has(digest)).toBe(true);
    end.resolve(completion({}));
    await running;
    await expect.poll(() => platform.blobs.has(digest)).toBe(false);
  });

  test('leaves no record in a later namespace of the same name', async () => {
    await using platform = await withHello();
    const end = Promise.withResolvers<EndedJob>();
    platform.invoker.script = () => end.promise;
    const running = call(platform);
    await expect.poll(() => platform.invoker.jobs.length).toBe(1);
    await platform.functions.namespaces.delete('guest');
    await expect.poll(() => Date.now() > (platform.invoker.jobs[0]?.acceptedAt ?? 0)).toBe(true);
    await platform.functions.namespaces.create('guest');
    end.resolve(completion({ secret: 1 }));
    await running;
    expect(await platform.functions.activations.count({ namespace: 'guest' })).toBe(0);
  });
});

describe('a non-blocking call', () => {
  test('is durable before it is answered, and then runs and is recorded', async () => {
    await using platform = await withHello();
    const end = Promise.withResolvers<EndedJob>();
    platform.invoker.script = () => end.promise;
    const { activationId, record } = await call(platform, { waitMs: undefined, payload: { a: 1 } });
    expect(record).toBeUndefined();
    const [row] = await platform.store.accepted.pending(10);
    expect(row).toMatchObject({ activationId });
    expect(fromQueue(row?.job ?? null, platform.vault)).toMatchObject({ task: { parameters: { a: 1 } } });
    end.resolve(completion({ done: true }));
    await expect.poll(() => platform.store.accepted.pending(10)).toEqual([]);
    expect(await stored(platform, activationId)).toMatchObject({ response: { result: { done: true } } });
    expect(platform.invoker.inFlight).toBe(0);
  });

  test('that cannot be run is recorded as an internal error', async () => {
    await using platform = await withHello();
    platform.invoker.script = () => Promise.reject(new Error('no room'));
    const { activationId } = await call(platform, { waitMs: undefined });
    await expect.poll(() => platform.store.accepted.pending(10)).toEqual([]);
    expect(await stored(platform, activationId)).toMatchObject({
      response: { status: 'whisk internal error', result: { error: 'no room' } },
    });
    expect(platform.invoker.inFlight).toBe(0);
  });
});

describe('the API key', () => {
  test('is given to actions that ask for it, and never stored', async () => {
    await using platform = await withHello({ annotations: [{ key: 'provide-api-key', value: true }] });
    const key = Buffer.from(platform.authorization.slice(6), 'base64').toString();
    const end = Promise.withResolvers<EndedJob>();
    platform.invoker.script = () => end.promise;
    await call(platform, { waitMs: undefined });
    await expect.poll(() => platform.invoker.jobs[0]?.apiKey).toBe(key);
    const [row] = await platform.store.accepted.pending(10);
    expect(JSON.stringify(row)).not.toContain(key.slice(37));
    end.resolve(completion({}));
  });
});

async function acceptedTask(platform: Platform): Promise<Task> {
  const [row] = await platform.store.accepted.pending(1);
  const accepted = fromQueue(row?.job ?? null, platform.vault);
  if (accepted === undefined) throw new Error('nothing was accepted');
  return accepted.task;
}

describe('after a restart', () => {
  const accept = async (platform: Platform, id: string, attempt: number, more: JsonObject = {}) => {
    const activationId = id.repeat(32);
    const task = { ...(await acceptedTask(platform)), activationId };
    const job = toQueue(task, platform.vault);
    const { namespace, acceptedAt } = task;
    await platform.store.accepted.accept({
      activationId,
      namespace,
      acceptedAt,
      owner: 'gone',
      codeDigest: null,
      job: { ...(isJsonObject(job) ? job : {}), ...more },
    });
    if (attempt === 1) await platform.store.accepted.claim(activationId, 0, 'gone');
  };

  test('calls that had not begun run, and those that had are recorded as interrupted', async () => {
    await using platform = await withHello();
    platform.invoker.script = () => new Promise(() => {});
    await call(platform, { waitMs: undefined });
    await expect.poll(() => platform.invoker.jobs.length).toBe(1);
    await accept(platform, 'a', 0);
    await accept(platform, 'b', 1);
    await accept(platform, 'c', 0, { needsApiKey: true });
    platform.invoker.script = () => completion({ resumed: true });
    const next = await platform.restart();
    expect(await next.invocations.resumeAccepted()).toEqual({ run: 1, interrupted: 3 });
    expect(await platform.store.accepted.pending(10)).toEqual([]);
    const responses = async (id: string) => (await stored(platform, id.repeat(32)))['response'];
    expect(await responses('a')).toMatchObject({ status: 'success', result: { resumed: true } });
    expect(await responses('b')).toMatchObject({
      status: 'whisk internal error',
      result: { error: 'The activation was interrupted: the server that had it stopped or was cut off.' },
    });
    expect(await responses('c')).toMatchObject({ result: { error: expect.stringContaining('API key') } });
    const annotations = async (id: string) => (await stored(platform, id.repeat(32)))['annotations'];
    expect(await annotations('b')).toContainEqual(lostLogNote);
    expect(await annotations('c')).not.toContainEqual(lostLogNote);
  });

  test('the sandbox settings of a call are still known', async () => {
    await using platform = await withHello();
    platform.invoker.script = () => new Promise(() => {});
    await call(platform, { waitMs: undefined });
    const task = await acceptedTask(platform);
    if (task.type !== 'code') throw new Error('it is composed');
    const [seccomp, seccompWithin] = [
      { defaultAction: 'SCMP_ACT_ALLOW' },
      { defaultAction: 'SCMP_ACT_ERRNO' },
    ];
    const egress = [{ host: 'api.example.com', ports: [443] }];
    const sandbox = {
      id: 'x',
      tier: 'gvisor' as const,
      seccomp,
      seccompWithin,
      egress,
      egressWithin: egress,
    };
    const back = fromQueue(toQueue({ ...task, sandbox }, platform.vault), platform.vault);
    expect(back?.task).toMatchObject({ sandbox });
  });

  test('a call that cannot be decrypted stays, and does not delay the others', async () => {
    await using platform = await withHello();
    platform.invoker.script = () => new Promise(() => {});
    await call(platform, { waitMs: undefined });
    await expect.poll(() => platform.invoker.jobs.length).toBe(1);
    await accept(platform, 'a', 0);
    await accept(platform, 'b', 0, { sealed: 'w1:gone:AAAA' });
    platform.invoker.script = () => completion({});
    const next = await platform.restart();
    expect(await next.invocations.resumeAccepted()).toEqual({ run: 1, interrupted: 1 });
    expect(await platform.store.accepted.pending(10)).toMatchObject([{ activationId: 'b'.repeat(32) }]);
  });

  test('a queue of many pages is processed completely', async () => {
    await using platform = await withHello();
    platform.invoker.script = () => new Promise(() => {});
    await call(platform, { waitMs: undefined });
    await expect.poll(() => platform.invoker.jobs.length).toBe(1);
    const ids = Array.from({ length: 450 }, (_, i) => i.toString(16).padStart(4, '0'));
    const first = await acceptedTask(platform);
    const { namespace, acceptedAt } = first;
    await Promise.all(
      ids.map((id) => {
        const activationId = id.repeat(8);
        const job = toQueue({ ...first, activationId }, platform.vault);
        return platform.store.accepted.accept({
          ...{ activationId, namespace, acceptedAt, job },
          ...{ owner: 'gone', codeDigest: null },
        });
      }),
    );
    platform.invoker.script = () => completion({});
    const next = await platform.restart();
    expect(await next.invocations.resumeAccepted()).toEqual({ run: 450, interrupted: 1 });
    await expect.poll(() => next.activations.count({ namespace: 'guest' })).toBe(451);
  });
});

describe('closing', () => {
  test('waits for calls under way and refuses new ones', async () => {
    await using platform = await withHello();
    const end = Promise.withResolvers<EndedJob>();
    platform.invoker.script = () => end.promise;
    const running = call(platform);
    await expect.poll(() => platform.invoker.jobs.length).toBe(1);
    const closing = platform.functions.close(10_000);
    await expect(call(platform)).rejects.toMatchObject({ code: 'SHUTTING_DOWN', kind: 'busy' });
    end.resolve(completion({ x: 1 }));
    await closing;
    const { activationId } = await running;
    expect(await stored(platform, activationId)).toMatchObject({ response: { result: { x: 1 } } });
  });

  test('accepts non-blocking calls without running them, and leaves them to the next process, once', async () => {
    await using platform = await withHello();
    await platform.functions.actions.put(
      ref('keyed'),
      { exec: { kind: 'nodejs:24', code: 'k' }, annotations: [{ key: 'provide-api-key', value: true }] },
      false,
      platform.guest,
    );
    const end = Promise.withResolvers<EndedJob>();
    platform.invoker.script = () => end.promise;
    const running = call(platform);
    await expect.poll(() => platform.invoker.jobs.length).toBe(1);
    const closing = platform.functions.close(10_000);
    const later = await Promise.all([
      call(platform, { waitMs: undefined }),
      call(platform, { waitMs: undefined, action: ref('keyed'), authorization: platform.authorization }),
    ]);
    end.resolve(completion({}));
    await Promise.all([running, closing]);
    expect(platform.invoker.jobs).toHaveLength(1);
    expect(await platform.store.accepted.pending(10)).toHaveLength(2);

    platform.invoker.script = () => completion({ later: true });
    const next = await platform.restart();
    expect(await next.invocations.resumeAccepted()).toEqual({ run: 2, interrupted: 0 });
    for (const { activationId } of later)
      expect(await stored(platform, activationId)).toMatchObject({ response: { result: { later: true } } });
    expect(platform.invoker.jobs).toHaveLength(3);
    // Its caller's key was lost with the earlier process.
    const keyed = platform.invoker.jobs.find(({ activationId }) => activationId === later[1]?.activationId);
    expect(keyed?.apiKey).toMatch(/^[\w-]+:\w+$/);
    expect(await next.invocations.resumeAccepted()).toEqual({ run: 0, interrupted: 0 });
  });

  test('also refuses a blocking call that was on its way in', async () => {
    await using platform = await withHello();
    const coming = call(platform);
    await platform.functions.close(1);
    await expect(coming).rejects.toMatchObject({ code: 'SHUTTING_DOWN', retryAfterMs: expect.any(Number) });
    expect(platform.invoker.jobs).toEqual([]);
  });

  test('does not wait for logs that never end', async () => {
    await using platform = await withHello();
    platform.invoker.script = () => completion({ x: 1 }, { log: new Promise(() => {}) });
    const { activationId } = await call(platform);
    await platform.functions.close(1);
    const record = await stored(platform, activationId);
    expect(record).toMatchObject({ response: { result: { x: 1 } }, logs: [] });
    expect(record['annotations']).toContainEqual(lostLogNote);
  });

  test('records calls that take too long as interrupted, once', async () => {
    await using platform = await withHello();
    const end = Promise.withResolvers<EndedJob>();
    platform.invoker.script = () => end.promise;
    const { activationId } = await call(platform, { waitMs: undefined });
    const blocking = call(platform);
    await expect.poll(() => platform.invoker.jobs.length).toBe(2);
    await platform.functions.close(1);
    expect(await platform.store.accepted.pending(10)).toEqual([]);
    const record = await stored(platform, activationId);
    expect(record['response']).toMatchObject({
      status: 'whisk internal error',
      result: { error: 'The activation was interrupted because the platform stopped before it ended.' },
    });
    expect(record['annotations']).toContainEqual(lostLogNote);
    expect(await platform.functions.activations.count({ namespace: 'guest' })).toBe(2);
    expect((await blocking).record?.status).toBe('whisk internal error');
    end.resolve(completion({}));
    expect(await platform.functions.activations.count({ namespace: 'guest' })).toBe(2);
  });
});
