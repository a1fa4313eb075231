/** Jobs of which an invoker says for ever that it has them. */
import { expect, test } from 'vitest';
import { overdueMs } from '../remote/remote-jobs.ts';
import { clusterOf, job, pass, prompt, until, watch } from './scripted-cluster.fixture.ts';

const isGivenUp = {
  code: 'INVOKER_LOST',
  message: 'The activation was interrupted: node a had it, and it does not end it',
};

test('a job is given up when it has not ended long after its time limit', async () => {
  const { dispatcher, a } = await clusterOf('a');
  const given = job({ limits: { timeoutMs: 100, memoryMiB: 256, logBytes: 1000, concurrency: 1 } });
  const seen = watch(dispatcher.run(given, { begin: () => true }));
  await until(() => a.jobs.length === 1);
  await pass(overdueMs - 5_000);
  expect(seen.fault).toBeUndefined();
  await pass(6_000);
  expect(seen.fault).toMatchObject(isGivenUp);
  // Its late end changes nothing, and the node need not keep it.
  a.answer(given.activationId);
  await until(() => a.cancelled.includes(given.activationId));
});

test('a job that waits for its sandbox is not late', async () => {
  const { dispatcher, a } = await clusterOf('a');
  const begin = Promise.withResolvers<boolean>();
  const given = job();
  const end = dispatcher.run(given, { begin: () => begin.promise });
  await pass(overdueMs + 5_000);
  begin.resolve(true);
  await until(() => a.jobs.length === 1);
  a.answer(given.activationId, { n: 1 });
  expect((await end).completion.result).toEqual({ n: 1 });
});

test('a job that is cancelled is given up when the node does not end it', async () => {
  const { dispatcher, a } = await clusterOf('a');
  const given = job();
  const seen = watch(dispatcher.run(given, prompt()));
  await until(() => a.jobs.length === 1);
  dispatcher.cancel(given.activationId);
  await until(() => a.cancelled.includes(given.activationId));
  await pass(overdueMs + 1_000);
  expect(seen.fault).toMatchObject(isGivenUp);
  a.answer(given.activationId);
});
