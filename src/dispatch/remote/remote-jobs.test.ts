/** Jobs of which a node says for hours that it has them. */
import { expect, it } from 'vitest';
import { silentLog } from '../../lib/index.ts';
import { MemoryNetwork } from '../cluster/cluster.fixture.ts';
import { job, nothing, subjects } from '../cluster/scripted-cluster.fixture.ts';
import { noActivation } from '../wire/frames.ts';
import { Link } from '../wire/link.ts';
import { longestWaitMs, overdueMs, RemoteJobs } from './remote-jobs.ts';

it('gives up a job that never begins, after an hour and the time that it may run', async () => {
  let now = 0;
  const network = new MemoryNetwork();
  using link = new Link(network.bus(), silentLog);
  const jobs = new RemoteJobs({
    ...{ self: { node: 'api', start: '0' }, link, subjects, log: silentLog, now: () => now },
    onViolation() {},
  });
  const given = job();
  let fault: unknown;
  const sent = { accepted() {}, settled() {} };
  const end = jobs.send('a', given, undefined, sent).then((refused) => (fault = refused));
  const attempt = network.seen.find(({ type }) => type === 'run')?.bytes.readUInt32BE(20) ?? 0;
  const beat = { type: 'beat', activationId: noActivation, attempt: 0, tail: nothing } as const;
  const most = longestWaitMs + 2 * given.limits.timeoutMs + overdueMs;
  const waitUntil = (ms: number) => {
    for (; now < ms; now = Math.min(ms, now + 1_000)) {
      jobs.take('a', { ...beat, head: { of: [[given.activationId, attempt]] } });
      jobs.tick();
    }
  };
  waitUntil(most);
  expect(jobs.has(given.activationId)).toBe(true);
  waitUntil(most + 2_000);
  await end;
  expect(fault).toMatchObject({ fault: { code: 'INVOKER_LOST' }, isElsewhere: false });
  jobs.close();
});
