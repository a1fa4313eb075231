/** Calls while the disk accepts no writes. */
import { expect, test, vi } from 'vitest';
import { Fault } from '../../lib/index.ts';
import { completion, hello, type Platform, ref, startPlatform } from '../platform.fixture.ts';

const troubled = {
  key: 'waitReason',
  value: 'the machine lacked disk space, descriptors or memory, or a disk failed',
};
const noSpace = () => Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
const backlog = () => new Fault('STORE_BACKLOG', 'busy', 'too much waits');

async function invoke({ functions, guest, authorization }: Platform, waitMs?: number): Promise<string> {
  const { activationId } = await functions.invocations.invoke({
    identity: guest,
    action: ref('hello'),
    payload: {},
    waitMs,
    transactionId: 't1',
    authorization,
  });
  return activationId;
}

const record = ({ functions }: Platform, id: string) => functions.activations.get('guest', id);

test('an accepted call whose sandbox cannot start waits for the disk, and runs once', async () => {
  let isRefusing = false;
  const admitCall = vi.fn(() => {
    if (isRefusing) throw new Fault('DISK_RESERVED', 'full', 'no');
  });
  await using platform = await startPlatform({ disk: { admitCall, admitWrite: () => {} } });
  await platform.functions.actions.put(ref('hello'), hello, false, platform.guest);
  let hasSpace = false;
  let starts = 0;
  Object.defineProperty(platform.invoker, 'slot', {
    get() {
      starts++;
      if (hasSpace) return undefined;
      isRefusing = true;
      return Promise.reject(noSpace());
    },
  });
  // A caller that waits gets the error at once.
  await expect(invoke(platform, 1000)).rejects.toMatchObject({ code: 'ENOSPC' });
  isRefusing = false;
  const id = await invoke(platform);
  await expect.poll(() => admitCall.mock.calls.length, { timeout: 10_000 }).toBeGreaterThan(3);
  // Ward polls the disk, and starts no sandbox.
  expect(starts).toBe(2);
  expect(await platform.store.accepted.pending(10)).toMatchObject([{ activationId: id, attempt: 0 }]);
  hasSpace = true;
  isRefusing = false;
  await expect.poll(() => platform.store.accepted.pending(10), { timeout: 10_000 }).toEqual([]);
  expect(await record(platform, id)).toMatchObject({
    response: { success: true },
    annotations: expect.arrayContaining([troubled]),
  });
  expect(platform.invoker.jobs.filter(({ activationId }) => activationId === id)).toHaveLength(1);
});

test.each([
  ['a descriptor', 'EMFILE'],
  ['a process', 'EAGAIN'],
  ['memory', 'ENOMEM'],
  ['a disk that works', 'EIO'],
])('an accepted call waits for %s, and its record says so', async (_, code) => {
  await using platform = await startPlatform();
  await platform.functions.actions.put(ref('hello'), hello, false, platform.guest);
  const cause = Object.assign(new Error('refused by the system'), { code });
  const troubles = [new Fault('SANDBOX_START_FAILED', 'host', 'no sandbox', { cause })];
  const run = platform.invoker.run;
  platform.invoker.run = async (...job) => {
    const trouble = troubles.shift();
    if (trouble !== undefined) throw trouble;
    return run(...job);
  };
  const id = await invoke(platform);
  await expect.poll(() => platform.store.accepted.pending(10), { timeout: 10_000 }).toEqual([]);
  expect(await record(platform, id)).toMatchObject({
    response: { success: true },
    annotations: expect.arrayContaining([troubled]),
  });
});

test('a part whose sandbox cannot start waits for the disk, and the whole succeeds', async () => {
  await using platform = await startPlatform();
  const { actions, invocations } = platform.functions;
  await actions.put(ref('hello'), hello, false, platform.guest);
  const exec = { kind: 'sequence', components: ['/guest/hello', '/guest/hello'] };
  await actions.put(ref('twice'), { exec }, false, platform.guest);
  let starts = 0;
  Object.defineProperty(platform.invoker, 'slot', {
    get() {
      starts++;
      return starts === 2 ? Promise.reject(noSpace()) : undefined;
    },
  });
  const { record: whole } = await invocations.invoke({
    identity: platform.guest,
    action: ref('twice'),
    payload: {},
    waitMs: 60_000,
    transactionId: 't1',
    authorization: platform.authorization,
  });
  expect(whole).toMatchObject({ status: 'success' });
  expect([starts, platform.invoker.jobs.length]).toEqual([3, 2]);
});

test('an accepted call whose result no longer fits in memory leaves a record that says so', async () => {
  const lost = vi.fn();
  await using platform = await startPlatform({ watchRecords: { evicted() {}, refused() {}, lost } });
  await platform.functions.actions.put(ref('hello'), hello, false, platform.guest);
  platform.invoker.script = () =>
    completion({ text: 'x'.repeat(1000) }, { log: Promise.resolve(['a line']) });
  vi.spyOn(platform.store.activations, 'append').mockRejectedValueOnce(backlog());
  const id = await invoke(platform);
  await expect.poll(() => platform.store.accepted.pending(10)).toEqual([]);
  expect(await record(platform, id)).toMatchObject({
    logs: [],
    response: {
      success: false,
      status: 'whisk internal error',
      result: { error: expect.stringContaining('ended (success), but its result and its log were lost') },
    },
  });
  expect(lost).not.toHaveBeenCalled();
});

test('the record of any other call is lost then, and counted', async () => {
  const lost = vi.fn();
  await using platform = await startPlatform({ watchRecords: { evicted() {}, refused() {}, lost } });
  await platform.functions.actions.put(ref('hello'), hello, false, platform.guest);
  vi.spyOn(platform.store.activations, 'append').mockRejectedValueOnce(backlog());
  const id = await invoke(platform, 1000);
  await expect.poll(() => lost.mock.calls.length).toBe(1);
  await expect(record(platform, id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a record waits for its namespace to be read', async () => {
  await using platform = await startPlatform();
  await platform.functions.actions.put(ref('hello'), hello, false, platform.guest);
  const failing = new Fault('STORE_UNWRITABLE', 'busy', 'disk I/O error');
  platform.invoker.script = () => {
    platform.functions.namespaces.forget();
    vi.spyOn(platform.store.namespaces, 'byName')
      .mockRejectedValueOnce(failing)
      .mockRejectedValueOnce(failing);
    return completion({ n: 1 });
  };
  const id = await invoke(platform);
  await expect.poll(() => platform.store.accepted.pending(10), { timeout: 10_000 }).toEqual([]);
  expect(await record(platform, id)).toMatchObject({ response: { success: true, result: { n: 1 } } });
});

test('a record waits while the database has not been read for too long', async () => {
  await using platform = await startPlatform();
  await platform.functions.actions.put(ref('hello'), hello, false, platform.guest);
  const stale = () => {
    throw new Fault('AUTHENTICATION_STALE', 'busy', 'Keys cannot be checked now.');
  };
  platform.invoker.script = () => {
    const { namespaces } = platform.functions;
    vi.spyOn(namespaces, 'createdAt').mockImplementationOnce(stale).mockImplementationOnce(stale);
    return completion({ n: 1 });
  };
  const id = await invoke(platform);
  await expect.poll(() => platform.store.accepted.pending(10), { timeout: 10_000 }).toEqual([]);
  expect(await record(platform, id)).toMatchObject({ response: { success: true, result: { n: 1 } } });
});

test('a call that outlasts its wait after it has begun is queued as begun before it is answered', async () => {
  await using platform = await startPlatform();
  await platform.functions.actions.put(ref('hello'), hello, false, platform.guest);
  const end = Promise.withResolvers<void>();
  platform.invoker.script = () => end.promise.then(() => completion({}));
  const { accepted } = platform.store;
  const claim = vi.spyOn(accepted, 'claim');
  const id = await invoke(platform, 50);
  // After a kill between two writes, the next start would run it again.
  expect(await accepted.pending(10)).toMatchObject([{ activationId: id, attempt: 1 }]);
  end.resolve();
  await expect.poll(() => accepted.pending(10)).toEqual([]);
  expect(await record(platform, id)).toMatchObject({ response: { success: true } });
  expect(claim).not.toHaveBeenCalled();
});
