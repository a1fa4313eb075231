import { expect, it } from 'vitest';
import { job } from '../cluster/scripted-cluster.fixture.ts';
import { endFrom } from './open-job.ts';

it('keeps each time in the end of a job within the call, whatever its node says', () => {
  const given = job({ acceptedAt: Date.now() - 1_000 });
  const [early, late] = [{ at: 1 }, { at: 8_640_000_000_000_000 }];
  const connection = { address: '192.0.2.1', port: 443, protocol: 'tcp' };
  const { completion } = endFrom(
    { job: given },
    {
      completion: {
        ...{ status: 'success', start: 'cold', timedOut: false, startedAt: 1, endedAt: late.at },
        ...{ waitMs: 1e12, initMs: 1e12, sandboxMs: 1e12 },
        violations: [early, late].map((dated) => ({ kind: 'oom', detail: 'x', ...dated })),
        traffic: {
          ...{ sentBytes: 1, receivedBytes: 2 },
          connections: [early, late].map((dated) => ({ ...connection, ...dated })),
        },
      },
    },
    Buffer.from('{}'),
    1000,
  );
  const { startedAt, endedAt, waitMs, initMs, sandboxMs, violations = [], traffic } = completion;
  for (const ms of [waitMs, initMs, sandboxMs]) {
    expect(ms).toBeGreaterThanOrEqual(1_000);
    expect(ms).toBeLessThanOrEqual(Date.now() - given.acceptedAt);
  }
  expect(traffic).toMatchObject({ sentBytes: 1, receivedBytes: 2 });
  const dates = [...violations, ...(traffic?.connections ?? [])].map(({ at }) => at);
  expect(dates).toHaveLength(4);
  for (const date of [startedAt, endedAt, ...dates]) {
    expect(date).toBeGreaterThanOrEqual(given.acceptedAt);
    expect(date).toBeLessThanOrEqual(Date.now());
  }
});
