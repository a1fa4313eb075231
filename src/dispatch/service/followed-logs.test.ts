/** Logs that are followed over messages, from the follower to the invoker and back. */
import { describe, expect, it } from 'vitest';
import { newActivationId } from '../../lib/index.ts';
import { LiveLog } from '../live-log.ts';
import { RemoteLogs } from '../remote/remote-logs.ts';
import { parseHead } from '../wire/heads.ts';
import { ServedLogs } from './served-logs.ts';

function setUp() {
  let now = 0;
  const clock = () => now;
  /** At the invoker, by activation. */
  const logs = new Map<string, LiveLog>();
  let reader: RemoteLogs | undefined;
  const served = new ServedLogs({
    follow(activationId, signal) {
      const log = new LiveLog(() => {}, signal);
      logs.set(activationId, log);
      return log;
    },
    send: (_, message) => reader?.take('a', message),
    now: clock,
  });
  /** A process of the API node. The invoker's messages go to the newest one. */
  const startReader = () => {
    const started: RemoteLogs = new RemoteLogs({
      send: (_, message) => served.take('api', message, parseHead('follow', message.head), true),
      now: clock,
    });
    reader = started;
    return started;
  };
  const pass = (ms: number) => {
    for (const end = now + ms; now < end; now += 500) {
      reader?.tick();
      served.tick();
    }
  };
  return { logs, startReader, pass };
}

const place = () => ({ node: 'a', activationId: newActivationId(), attempt: 1 });

describe('a follower', () => {
  it('that reads slowly gets everything', async () => {
    const { logs, startReader, pass } = setUp();
    const job = place();
    const log = startReader().follow(job)[Symbol.asyncIterator]();
    logs.get(job.activationId)?.add('one');
    await settle();
    pass(60_000);
    expect(await log.next()).toMatchObject({ value: { lines: ['one'] } });
    await settle();
    logs.get(job.activationId)?.add('two');
    expect(await log.next()).toMatchObject({ value: { lines: ['two'], skipped: 0 } });
  });

  it('gets nothing of the log that an earlier process of its node followed', async () => {
    const { logs, startReader } = setUp();
    const [first, second] = [place(), place()];
    startReader().follow(first);
    logs.get(first.activationId)?.add('of the first');
    await settle();
    const log = startReader().follow(second)[Symbol.asyncIterator]();
    await settle();
    logs.get(second.activationId)?.add('of the second');
    expect(await log.next()).toMatchObject({ value: { lines: ['of the second'] } });
  });
});

/** Lets all that is under way arrive. */
async function settle(): Promise<void> {
  await new Promise(setImmediate);
}
