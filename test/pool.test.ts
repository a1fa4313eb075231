/** Which sandbox serves a call (warm, prewarmed or new), and what happens to idle ones. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { cgroupsOf } from './cgroups.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();
/** Returns an id of its sandbox, and how long the sandbox has been up. */
const code = `const id = Math.random();
  let calls = 0;
  function main(p) {
    const answer = { id, calls: ++calls, upMs: process.uptime() * 1000 };
    return p.ms ? new Promise((done) => setTimeout(done, p.ms, answer)) : answer;
  }`;
const python = 'calls = 0\ndef main(args):\n    global calls\n    calls += 1\n    return {"calls": calls}\n';

interface Call {
  readonly status: number;
  readonly id: number;
  readonly calls: number;
  readonly upMs: number;
  readonly initMs: number | undefined;
}

async function call(ward: Ward, name: string, payload: object = {}): Promise<Call> {
  const { status, body } = await ward.invoke(name, payload);
  const initTime = body.annotations?.find(({ key }: { key: string }) => key === 'initTime');
  return { status, ...body.response?.result, initMs: initTime?.value };
}

const isSubset = (some: readonly string[], of: readonly string[]) => some.every((each) => of.includes(each));

describe.skipIf(missing !== undefined)(`the pool${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;
  beforeAll(async () => {
    // Nothing here depends on freezing, but a sandbox that ends by itself must not be frozen before.
    ward = await Ward.start({ invoker: { prewarm: [], freezeAfterMs: 60_000 } });
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
  });

  it('uses a warm sandbox again: it is initialised once and keeps its state', async () => {
    await ward.deploy('counter', code);
    await ward.deploy('counter-py', python, { kind: 'python:3.13' });
    for (const name of ['counter', 'counter-py']) {
      const calls = [await call(ward, name), await call(ward, name), await call(ward, name)];
      expect(calls.map((each) => each.calls)).toEqual([1, 2, 3]);
      expect(calls.map(({ initMs }) => initMs)).toEqual([expect.any(Number), undefined, undefined]);
    }
  });

  it('runs as many calls in one sandbox at once as the action allows', async () => {
    await ward.deploy(
      'meeting',
      `const here = [];
       function main(p) {
         return new Promise((done) => {
           here.push(() => done({ n: p.n, of: here.length }));
           if (here.length === 3) for (const leave of here) leave();
         });
       }`,
      { limits: { concurrency: 3, timeout: 10_000 } },
    );
    const replies = await Promise.all([1, 2, 3].map((n) => ward.invoke('meeting', { n })));
    expect(replies.map(({ body }) => body.response.result)).toEqual([1, 2, 3].map((n) => ({ n, of: 3 })));
  });

  it('runs one call at a time in a sandbox unless the action allows more', async () => {
    await ward.deploy('alone', code);
    // Longer than a cold start on a busy machine.
    const both = await Promise.all([call(ward, 'alone', { ms: 2000 }), call(ward, 'alone', { ms: 2000 })]);
    expect(both.map(({ calls }) => calls)).toEqual([1, 1]);
    expect(both[0].id).not.toBe(both[1].id);
    const next = await call(ward, 'alone');
    expect(next.calls).toBe(2);
    expect(both.map(({ id }) => id)).toContain(next.id);
  });

  it('replaces a sandbox that ended while it was idle, without an error to the next caller', async () => {
    await ward.deploy(
      'leaves',
      'function main() { setTimeout(() => process.exit(3), 20); return { ok: true }; }',
    );
    const before = cgroupsOf(ward.instance);
    for (let n = 0; n < 2; n++) {
      expect((await ward.invoke('leaves')).body.response.result).toEqual({ ok: true });
      await ward.until(() => isSubset(cgroupsOf(ward.instance), before));
    }
  });

  it('does not use a sandbox again after a failed initialisation', async () => {
    await ward.deploy('broken', 'throw new Error("not today")');
    const before = cgroupsOf(ward.instance);
    for (let n = 0; n < 2; n++) {
      const { status, body } = await ward.invoke('broken');
      expect(status).toBe(502);
      expect(body.response).toMatchObject({
        status: 'action developer error',
        result: { error: expect.stringMatching(/^Initialization has failed due to: Error: not today/) },
      });
    }
    await ward.until(() => isSubset(cgroupsOf(ward.instance), before));
  });
});

describe.skipIf(missing !== undefined)('a pool with settings of its own', () => {
  const open: Ward[] = [];
  const start = async (invoker: object) => {
    const ward = await Ward.start({ invoker: { prewarm: [], ...invoker } });
    open.push(ward);
    return ward;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map((ward) => ward[Symbol.asyncDispose]()));
  });

  it('takes a prewarmed sandbox of the right kind for a first call, and puts another in its place', async () => {
    const ward = await start({ prewarm: [{ kind: 'nodejs:24', memoryMiB: 256, count: 1 }] });
    await ward.until(() => ward.sandboxStates().join() === 'FROZEN');
    await ward.deploy('first', code);
    await ward.deploy('small', code, { limits: { memory: 128 } });
    const before = performance.now();
    const [blank] = cgroupsOf(ward.instance);
    const first = await call(ward, 'first');
    // A sandbox that was started for this call can't have been up longer than the call took.
    expect(first.upMs).toBeGreaterThan(performance.now() - before);
    expect(first.initMs).toBeLessThan(performance.now() - before);
    await ward.until(() => ward.sandboxStates().length === 2);
    expect(cgroupsOf(ward.instance)).toContain(blank);
    const then = performance.now();
    expect((await call(ward, 'small')).upMs).toBeLessThan(performance.now() - then);
    expect(await call(ward, 'first')).toMatchObject({ id: first.id, calls: 2 });
  });

  it('freezes an idle sandbox and thaws it for the next call; ends it after its keep-alive', async () => {
    const ward = await start({ freezeAfterMs: 50, keepAliveMs: 3000 });
    await ward.deploy('idle', code);
    const first = await call(ward, 'idle');
    await ward.until(() => ward.sandboxStates().join() === 'FROZEN');
    expect(await call(ward, 'idle')).toMatchObject({ id: first.id, calls: 2 });
    await ward.until(() => cgroupsOf(ward.instance).length === 0);
    const again = await call(ward, 'idle');
    expect(again).toMatchObject({ calls: 1, initMs: expect.any(Number) });
    expect(again.id).not.toBe(first.id);
  });

  it('ends the sandbox that was idle longest when memory is short', async () => {
    const ward = await start({ memoryMiB: 512 });
    for (const name of ['a', 'b', 'c']) await ward.deploy(name, code);
    const [a, b, c] = [await call(ward, 'a'), await call(ward, 'b'), await call(ward, 'c')];
    expect(await call(ward, 'b')).toMatchObject({ id: b.id, calls: 2 });
    expect(await call(ward, 'a')).toMatchObject({ calls: 1, initMs: expect.any(Number) });
    expect(a.id).not.toBe(c.id);
    expect(await call(ward, 'b')).toMatchObject({ id: b.id, calls: 3 });
    await ward.until(() => ward.sandboxStates().length === 2);
  });

  it('gives up a prewarmed sandbox instead of letting a call wait', async () => {
    const ward = await start({ memoryMiB: 256, prewarm: [{ kind: 'nodejs:24', memoryMiB: 256, count: 1 }] });
    await ward.until(() => ward.sandboxStates().join() === 'FROZEN');
    await ward.deploy('py', python, { kind: 'python:3.13' });
    expect((await call(ward, 'py')).calls).toBe(1);
    await ward.until(() => ward.sandboxStates().length === 1);
    expect((await call(ward, 'py')).calls).toBe(2);
  });

  it('refuses calls that can never fit, and calls when the queue is full', async () => {
    const ward = await start({ memoryMiB: 256, maxQueued: 2 });
    await ward.deploy('large', code, { limits: { memory: 512 } });
    const large = await ward.invoke('large');
    expect(large).toMatchObject({ status: 503, body: { error: expect.stringMatching(/512 MiB.*256 MiB/) } });

    await ward.deploy('held', code);
    // So slow that its sandbox gets no call before it is idle.
    await call(ward, 'held', { ms: 100 });
    await ward.until(() => ward.sandboxStates().join() === 'FROZEN');
    const held = ward.invoke('held', { ms: 1000 });
    await ward.until(() => ward.sandboxStates().join() === 'THAWED');
    const rest = await Promise.all([1, 2, 3, 4].map(() => ward.invoke('held')));
    expect(rest.map(({ status }) => status).toSorted()).toEqual([200, 200, 429, 429]);
    for (const { headers, body } of rest.filter(({ status }) => status === 429)) {
      expect(body).toMatchObject({ error: 'System is overloaded, try again later.' });
      expect(headers.get('x-ward-fault')).toBe('INVOKER_BUSY');
      expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    }
    const { body: metrics } = await ward.request('GET', '/metrics');
    expect(metrics).toContain('ward_throttled_total{limit="queue full"} 2\n');
    expect((await held).status).toBe(200);
  });
});
