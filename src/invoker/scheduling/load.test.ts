import { expect, it } from 'vitest';
import { groupHash } from '../../dispatch/index.ts';
import { fakeScheduler, fakeTarget } from './scheduler.fixture.ts';

it('names the groups that could take calls at once, the last used first', async () => {
  const { scheduler, runners, call, settle } = fakeScheduler({ sandboxesLeft: () => 4 });
  const [first, second, busy] = [fakeTarget(), fakeTarget(), fakeTarget()];
  for (const target of [first, second, busy]) await call(target);
  runners[0]?.answer();
  await settle();
  runners[1]?.answer();
  await settle();
  expect(scheduler.load()).toMatchObject({
    idle: [second, first].map((target) => ({ hash: groupHash(target), free: 1 })),
    status: { sandboxes: { busy: 1, idle: 2 }, sandboxesLeft: 4 },
    ...{ idleMiB: 512, mostStarting: 10, mostQueued: 100 },
  });
  const { status, idleMiB } = scheduler.load();
  expect(scheduler.note()).toEqual({
    ...{ active: 1, starting: 0, queued: 0, idleMiB },
    freeMiB: status.memoryLimitMiB - status.memoryMiB,
  });
  scheduler.retire(second.action);
  expect(scheduler.load()).toMatchObject({ idle: [{ hash: groupHash(first) }], idleMiB: 256 });
});

it('names the groups for which a call should rather wait than let another slot start', async () => {
  const { scheduler, runners, call, settle } = fakeScheduler();
  const [quick, slow] = [fakeTarget(), fakeTarget()];
  for (const target of [quick, slow]) await call(target);
  expect(scheduler.load().soonFree).toEqual([]);
  for (const [at, serviceMs] of [10, 60_000].entries()) {
    runners[at]?.answer(undefined, serviceMs);
    await settle();
  }
  expect(scheduler.load().soonFree).toEqual([]);
  for (const target of [quick, slow]) await call(target);
  expect(scheduler.load()).toMatchObject({ idle: [], soonFree: [groupHash(quick)] });
});
