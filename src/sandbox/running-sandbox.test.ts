import { expect, test } from 'vitest';
import { superviseSandbox } from './running-sandbox.ts';

/** Only the parts that its end needs. */
const partsOf = (parts: object) => parts as Parameters<typeof superviseSandbox>[0];

const noDescriptor = () => {
  throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
};

const noUsage = { memoryBytes: 1, memoryPeakBytes: 1, cpuUsec: 1, pids: 0, oomKills: 0, refusedForks: 0 };

function ending(
  cgroup: object,
  remove = async () => {},
  exited: Promise<[number, null]> = Promise.resolve([0, null]),
) {
  return superviseSandbox(
    partsOf({
      id: 'a',
      process: { exited, kill: () => {} },
      driver: { joinsCgroup: false, ownsNetwork: true, endOf: () => undefined },
      logFile: '/dev/null',
      cgroup: { kill: async () => {}, pids: () => [], ...cgroup },
      policy: {},
      remove,
    }),
  );
}

test('it reports its end although no counter can be read', async () => {
  const sandbox = ending({ usage: noDescriptor });
  expect(await sandbox.exited).toMatchObject({ code: 0, outOfMemory: false });
  expect(sandbox.usage()).toMatchObject({ memoryBytes: 0, oomKills: 0 });
  await sandbox.destroy();
});

test.each([[[]], [[4711]]])('only living processes count as left: %j', async (pids) => {
  // The kernel counts a process until its parent has waited for it.
  const usage = () => ({ ...noUsage, pids: 1 });
  const sandbox = ending({ usage, pids: () => pids });
  await sandbox.exited;
  expect(sandbox.usage()).toMatchObject({ pids: pids.length });
  await sandbox.destroy();
});

test.each([[[]], [[4711]]])('after it was killed, only what the kill has left counts: %j', async (left) => {
  const exited = Promise.withResolvers<[number, null]>();
  let pids: readonly number[] = [4711];
  const kill = async () => {
    exited.resolve([137, null]);
    await new Promise(setImmediate);
    pids = left;
  };
  const usage = () => ({ ...noUsage, pids: 1 });
  const sandbox = ending({ usage, pids: () => pids, kill }, undefined, exited.promise);
  await sandbox.destroy();
  expect(sandbox.usage()).toMatchObject({ pids: left.length });
});

test('only the caller that waits for its removal gets the error', async () => {
  const sandbox = ending({ usage: () => noUsage }, async () => {
    throw new Error('EROFS: read-only file system');
  });
  await sandbox.exited;
  await new Promise(setImmediate);
  await expect(sandbox.destroy()).rejects.toThrow('EROFS');
});

test('it is killed although no descriptor is free for a moment', async () => {
  let tries = 0;
  let isDead = false;
  const exited = Promise.withResolvers<[number, null]>();
  const kill = async () => {
    if (++tries < 3) noDescriptor();
    isDead = true;
    exited.resolve([137, null]);
  };
  const usage = noDescriptor;
  const sandbox = ending({ kill, usage }, undefined, exited.promise);
  await sandbox.destroy();
  expect(isDead).toBe(true);
});

test('the next caller waits again for a removal that failed', async () => {
  let tries = 0;
  const kill = async () => {
    tries++;
  };
  const sandbox = ending({ kill, usage: noDescriptor }, async () => {
    throw new Error('EROFS: read-only file system');
  });
  await expect(sandbox.destroy()).rejects.toThrow('EROFS');
  const before = tries;
  await expect(sandbox.destroy()).rejects.toThrow('EROFS');
  expect(tries).toBe(before + 1);
});
