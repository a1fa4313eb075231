/** How many sandboxes an action gets, how large they are, and how a call learns why it got its sandbox. */
import { afterEach, describe, expect, it } from 'vitest';
import { readLive } from '../src/dispatch/dispatch.suite.ts';
import type { InvokerOptions } from '../src/invoker/index.ts';
import { operatorPolicy } from '../src/sandbox/index.ts';
import { InvokerBench, textsOf } from './invoker.ts';
import { missingForSandboxes } from './ward.ts';

const missing = missingForSandboxes();
/** Returns an id of its sandbox. */
const code = `const id = Math.random();
  let calls = 0;
  console.log('loaded');
  exports.main = (p) => {
    const answer = { id, calls: ++calls };
    return p.ms ? new Promise((done) => setTimeout(done, p.ms, answer)) : answer;
  };`;

describe.skipIf(missing !== undefined)(`scaling${missing ? ` (${missing})` : ''}`, () => {
  const open: InvokerBench[] = [];
  const start = async (options: Partial<InvokerOptions> = {}) => {
    const bench = await InvokerBench.open(options);
    open.push(bench);
    return bench;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map((bench) => bench[Symbol.asyncDispose]()));
  });

  it('a fresh sandbox serves one call and is gone', async () => {
    const bench = await start();
    const target = await bench.target(code, { scaling: { fresh: true } });
    const calls = await Promise.all([bench.run(target), bench.run(target)]);
    calls.push(await bench.run(target));
    expect(calls.map(({ result }) => result)).toMatchObject(Array(3).fill({ calls: 1 }));
    expect(calls.map(({ startReason }) => startReason)).toEqual(
      Array(3).fill('a fresh sandbox is asked for'),
    );
    await bench.until(() => bench.sandboxes === 0);
  });

  it('a fresh sandbox can be a prewarmed one', async () => {
    const bench = await start({ prewarm: [{ kind: 'nodejs:24', memoryMiB: 256, count: 1 }] });
    await bench.until(() => bench.frozen === 1);
    const target = await bench.target(code, { scaling: { fresh: true } });
    expect(await bench.run(target)).toMatchObject({
      start: 'prewarmed',
      startReason: 'a fresh sandbox is asked for',
    });
    await bench.until(() => bench.frozen === 1);
  });

  it('sandboxes that are kept ready outlive the keep-alive, are frozen, and serve at once', async () => {
    const bench = await start({ keepAliveMs: 1, freezeAfterMs: 1 });
    const other = await bench.target(code);
    await bench.run(other);
    await bench.until(() => bench.sandboxes === 0);
    const target = await bench.target(code, { scaling: { minWarm: 2 } });
    await bench.run(target);
    bench.invoker.grant([{ ...target, permission: 'allowed' }], 600_000);
    await bench.until(() => bench.frozen === 2);
    const calls = await Promise.all([bench.run(target, { ms: 200 }), bench.run(target, { ms: 200 })]);
    expect(calls.map((call) => call.start)).toEqual(['warm', 'warm']);
    await bench.until(() => bench.frozen === 2);
    bench.invoker.retire(target.action);
    await bench.until(() => bench.sandboxes === 0);
  });

  it('calls beyond the greatest number of sandboxes wait for one', async () => {
    const bench = await start();
    const target = await bench.target(code, { scaling: { maxInstances: 1 } });
    const calls = await Promise.all([1, 2, 3].map(() => bench.run(target, { ms: 50 })));
    expect(new Set(calls.map(({ result }) => (result as { id: number }).id)).size).toBe(1);
    expect(bench.sandboxes).toBe(1);
  });

  it('an action gets the processors and the disk that it asks for, and then no prewarmed sandbox', async () => {
    const bench = await start({ prewarm: [{ kind: 'nodejs:24', memoryMiB: 256, count: 1 }] });
    await bench.until(() => bench.frozen === 1);
    const look = `exports.main = () => {
      const { blocks, bsize } = require('fs').statfsSync('/tmp');
      const begun = process.cpuUsage();
      const end = Date.now() + 1000;
      while (Date.now() < end);
      const { user, system } = process.cpuUsage(begun);
      return { disk: blocks * bsize, cpu: (user + system) / 1e6 };
    }`;
    const target = await bench.target(look, { limits: { cpus: 0.2, diskMiB: 8 } });
    const { start: how, result } = await bench.run(target);
    expect(how).toBe('cold');
    expect(result).toMatchObject({ disk: 8 * 1024 * 1024 });
    // A fifth of a second, plus what the kernel grants before it begins to count.
    expect((result as { cpu: number }).cpu).toBeLessThan(0.5);
  });

  it('more than the operator allows is refused before anything starts', async () => {
    const bench = await start({ operator: operatorPolicy({ allow: { cpus: 1 } }) });
    const target = await bench.target(code, { limits: { cpus: 2 } });
    await expect(bench.run(target)).rejects.toMatchObject({ code: 'POLICY_EXCEEDED', kind: 'denied' });
    expect(bench.sandboxes).toBe(0);
  });

  it('a call knows why it was cold and where its time went', async () => {
    const bench = await start({ keepAliveMs: 2000 });
    const target = await bench.target(code);
    const first = await bench.run(target);
    expect(first).toMatchObject({
      start: 'cold',
      startReason: 'first call of this revision',
      sandboxMs: expect.any(Number),
      initMs: expect.any(Number),
    });
    expect(first.sandboxMs).toBeGreaterThan(0);
    expect(first.sandboxMs).toBeLessThanOrEqual(first.waitMs + 1);
    const second = await bench.run(target);
    expect(second).toMatchObject({ start: 'warm' });
    expect([second.startReason, second.sandboxMs, second.initMs]).toEqual([undefined, undefined, undefined]);
    await bench.until(() => bench.sandboxes === 0);
    expect((await bench.run(target)).startReason).toMatch(/idle sandboxes were ended/);
  });

  it('a hint makes a sandbox ready before the call comes, and its log is not lost', async () => {
    const bench = await start();
    const target = await bench.target(code);
    bench.invoker.warm(target);
    await bench.until(() => bench.sandboxes === 1);
    const done = await bench.run(target);
    expect(done.result).toMatchObject({ calls: 1 });
    expect(textsOf(await done.logs)).toEqual(['stdout: loaded']);
    expect(bench.sandboxes).toBe(1);
  });

  it('a log can be followed from the queue on, through the initialisation, to its end', async () => {
    const bench = await start();
    const slow = `console.log('loading');
      exports.main = async () => {
        console.log('one');
        await new Promise((done) => setTimeout(done, 50));
        console.error('two');
        return {};
      };`;
    const target = await bench.target(slow);
    const job = bench.job(target);
    const running = bench.runJob(job);
    const follower = readLive(bench.invoker.follow(job.activationId));
    const { logs } = await running;
    expect(textsOf(await logs)).toEqual(['stdout: loading', 'stdout: one', 'stderr: two']);
    await follower.ended;
    expect(follower.lines).toEqual(await logs);
    expect(bench.invoker.follow(job.activationId)).toBeUndefined();
  });

  it('a cancelled call says so, keeps its log, and its sandbox is gone', async () => {
    const bench = await start();
    const job = bench.job(await bench.target(`exports.main = () => new Promise(() => console.log('here'))`));
    const running = bench.runJob(job);
    const { lines: seen } = readLive(bench.invoker.follow(job.activationId));
    await bench.until(() => seen.length > 0);
    bench.invoker.cancel(job.activationId);
    const done = await running;
    expect(done).toMatchObject({
      status: 'whisk internal error',
      result: { error: 'The activation was cancelled.' },
    });
    expect(textsOf(await done.logs)[0]).toBe('stdout: here');
    await bench.until(() => bench.sandboxes === 0);
  });

  it.each([
    ['exceeds its time', 'for (;;);', /exceeded its time limits/, 1500],
    ['exits', 'process.exit(1)', /exited unexpectedly/, 60_000],
    [
      'eats its memory',
      'const kept = []; for (;;) kept.push(Buffer.alloc(1 << 20, 1))',
      /exhausted its memory/,
      60_000,
    ],
  ])('the log of an action that %s is kept', async (_what, deed, error, timeoutMs) => {
    const bench = await start();
    const target = await bench.target(
      `exports.main = () => { require('fs').writeSync(1, 'so far\\nhalf'); ${deed} }`,
      { limits: { timeoutMs } },
    );
    const done = await bench.run(target);
    expect(done.result).toMatchObject({ error: expect.stringMatching(error) });
    expect(textsOf(await done.logs).slice(0, 2)).toEqual(['stdout: so far', 'stdout: half']);
  });
});
