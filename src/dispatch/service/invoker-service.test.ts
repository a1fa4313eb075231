/** What an invoker keeps for API nodes that do not say that they have it. */
import { expect, it, onTestFinished } from 'vitest';
import { newActivationId, silentLog } from '../../lib/index.ts';
import { job as newJob } from '../cluster/scripted-cluster.fixture.ts';
import type { JobEnd } from '../types.ts';
import { plain } from '../wire/heads.ts';
import type { Message } from '../wire/messages.ts';
import { subjectsOf } from '../wire/subjects.ts';
import { InvokerService } from './invoker-service.ts';

const start = '0'.repeat(16);

function setUp(keptBytes?: number, isDrained = false) {
  const ends: PromiseWithResolvers<JobEnd>[] = [];
  const run = () => {
    const end = Promise.withResolvers<JobEnd>();
    ends.push(end);
    return end.promise;
  };
  const note = () => ({ active: 0, starting: 0, queued: 0, freeMiB: 0, idleMiB: 0 });
  const said: Message['type'][] = [];
  const refusals: unknown[] = [];
  const service = new InvokerService({
    ...{
      node: 'a',
      subjects: subjectsOf('test'),
      isDrained: () => isDrained,
      mayReadLate: () => false,
      log: silentLog,
    },
    link: {
      send(_, { type, head }) {
        if (type === 'nack') refusals.push(head['fault']);
        return said.push(type) > 0;
      },
      isUp: true,
    },
    invoker: {
      run,
      note,
      cancel() {},
      follow: () => undefined,
      warm() {},
      prefetch() {},
      grant() {},
      retire() {},
      expel() {},
    },
    ...(keptBytes === undefined ? {} : { keptBytes }),
  });
  onTestFinished(() => service.close());
  const send = (activationId: string, attempt: number) => {
    const { activationId: _, parameters: __, ...job } = newJob();
    const head = plain({ start, sentAt: Date.now(), isAsked: false, job });
    service.take('api', { type: 'run', activationId, attempt, head, tail: Buffer.from('{}') });
  };
  const answer = async (at: number, json = '{}') => {
    const now = Date.now();
    ends[at]?.resolve({
      completion: {
        ...{ status: 'success', start: 'warm', timedOut: false, waitMs: 0, startedAt: now, endedAt: now },
        ...{ result: JSON.parse(json), json, sizeBytes: json.length },
      },
      log: Promise.resolve([]),
    });
    await new Promise(setImmediate);
  };
  return { service, ends, said, refusals, send, answer };
}

it('never runs a job that it has refused, because another node may have it', async () => {
  const { ends, said, refusals, send, answer } = setUp();
  const activationId = newActivationId();
  send(activationId, 1);
  send(activationId, 2);
  await answer(0);
  send(activationId, 2);
  expect(ends).toHaveLength(1);
  expect(said).toEqual(['nack', 'res', 'nack']);
  expect(refusals[0]).toMatchObject({ code: 'INVOKERS_BUSY', retryAfterMs: 1000 });
});

it('drops the oldest results when they take too much memory', async () => {
  const { service, send, answer } = setUp(10_000);
  for (let n = 0; n < 10; n++) {
    send(newActivationId(), 1);
    await answer(n, JSON.stringify({ text: 'x'.repeat(2_000) }));
  }
  expect(service.size).toBe(3);
});

it('does not call itself busy when it is drained, because no room will come', () => {
  const { ends, refusals, send } = setUp(undefined, true);
  send(newActivationId(), 1);
  expect(refusals).toMatchObject([{ code: 'INVOKER_CLOSED', kind: 'busy', retryAfterMs: 1000 }]);
  expect(ends).toEqual([]);
});
