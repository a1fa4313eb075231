import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { Fault } from '../../lib/index.ts';
import { filesTar, storedLayer } from '../scanner.fixture.ts';
import { analystInProcesses } from './pool.ts';

const module = new URL('inspectors.fixture.ts', import.meta.url);

it('an idle process ends, and another replaces it', async () => {
  const ended: number[] = [];
  await using analyst = analystInProcesses({ module }, 10_000, { idleMs: 1 });
  const { signal } = new AbortController();
  const layer = storedLayer(await filesTar({ pid: '' }));
  for (let round = 0; round < 2; round++) {
    const { findings } = await analyst.layer(layer, signal);
    const pid = Number(findings[0]?.title);
    while (isRunning(pid)) await new Promise(setImmediate);
    ended.push(pid);
  }
  expect(new Set(ended).size).toBe(2);
});

it('when there is no room to start a process, waiting callers fail, too', async () => {
  const asked: PromiseWithResolvers<never>[] = [];
  const start = () => {
    const answer = Promise.withResolvers<never>();
    asked.push(answer);
    return answer.promise;
  };
  await using analyst = analystInProcesses({ module }, 10_000, { start });
  const { signal } = new AbortController();
  const most = Math.max(1, availableParallelism() - 1);
  const scans = Array.from({ length: most + 3 }, () => analyst.code(Buffer.from('x'), 'nodejs:24', signal));
  const ends = Promise.allSettled(scans);
  while (asked.length < most) await new Promise(setImmediate);
  const busy = new Fault('MEMORY_SHORT', 'busy', 'no memory');
  for (const { reject } of asked) reject(busy);
  expect(await ends).toEqual(scans.map(() => ({ status: 'rejected', reason: busy })));
  expect(asked).toHaveLength(most);
});

it('a caller that waits for a process stops waiting when it is aborted, or when all end', async () => {
  await using analyst = analystInProcesses({ module }, 10_000);
  const unaborted = new AbortController().signal;
  const endless = storedLayer(await filesTar({ hang: '' }));
  const most = Math.max(1, availableParallelism() - 1);
  await analyst.revision();
  const running = Array.from({ length: most }, () => analyst.layer(endless, unaborted));
  const ends = Promise.allSettled(running);
  await new Promise(setImmediate);
  const waiter = new AbortController();
  const aborted = analyst.layer(endless, waiter.signal);
  const closed = expect(analyst.revision()).rejects.toMatchObject({ code: 'SCAN_FAILED' });
  await new Promise(setImmediate);
  waiter.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  await analyst[Symbol.asyncDispose]();
  await closed;
  expect((await ends).map(({ status }) => status)).toEqual(running.map(() => 'rejected'));
  await expect(analyst.revision()).rejects.toMatchObject({ code: 'SCAN_FAILED' });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
