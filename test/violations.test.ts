/** Violations of a sandbox's policy and limits: they are detected and attributed to the right call. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ViolationReport } from '../src/dispatch/index.ts';
import type { InvokerOptions } from '../src/invoker/index.ts';
import { InvokerBench } from './invoker.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();

/** A child uses memory until the kernel kills it; its parent goes on. */
const childOom = `exports.main = () => {
  const eat = 'const kept = []; for (;;) kept.push(Buffer.alloc(1 << 20, 1))';
  return { signal: require('child_process').spawnSync(process.execPath, ['-e', eat]).signal };
}`;
const forks = `import os
def main(args):
    count = 0
    try:
        while count < args["most"]:
            if os.fork() == 0:
                os.pause() if hasattr(os, "pause") else __import__("signal").pause()
            count += 1
    except OSError as error:
        return {"count": count, "errno": error.errno}
    return {"count": count}
`;
/** Calls mount(2), which the policy answers by killing. */
const tripwire = `import ctypes
def main(args):
    ctypes.CDLL(None).mount(b"none", b"/tmp", b"tmpfs", 0, None)
    return {"mounted": True}
`;

describe.skipIf(missing !== undefined)(`violations${missing ? ` (${missing})` : ''}`, () => {
  const open: InvokerBench[] = [];
  const start = async (options: Partial<InvokerOptions> = {}) => {
    const reports: ViolationReport[] = [];
    const bench = await InvokerBench.open({ onViolation: (report) => reports.push(report), ...options });
    open.push(bench);
    return { bench, reports };
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map((bench) => bench[Symbol.asyncDispose]()));
  });

  it('a call without any has none in its record', async () => {
    const { bench, reports } = await start();
    const target = await bench.target('exports.main = () => ({})');
    expect((await bench.run(target)).violations).toBeUndefined();
    expect((await bench.run(target)).violations).toBeUndefined();
    expect(reports).toEqual([]);
  });

  it('a process that the kernel killed for memory is in the record of its call, which goes on', async () => {
    const { bench, reports } = await start();
    const target = await bench.target(childOom, { limits: { memoryMiB: 128 } });
    const done = await bench.run(target);
    expect(done).toMatchObject({ status: 'success', result: { signal: 'SIGKILL' } });
    expect(done.violations).toEqual([
      { kind: 'oom', detail: 'out of memory at 128 MiB', at: expect.any(Number) },
    ]);
    expect(reports).toMatchObject([{ kind: 'oom', namespace: 'guest', action: target.action }]);
  });

  it('a sandbox that the kernel killed for memory is in the record', async () => {
    const { bench } = await start();
    const eat = 'exports.main = () => { const kept = []; for (;;) kept.push(Buffer.alloc(1 << 20, 1)); }';
    const done = await bench.run(await bench.target(eat, { limits: { memoryMiB: 128 } }));
    expect(done.result).toMatchObject({ error: expect.stringMatching(/exhausted its memory/) });
    expect(done.violations).toMatchObject([{ kind: 'oom' }]);
  });

  it('a fork beyond the limit counts for the call that made it, and not for the next one', async () => {
    const { bench, reports } = await start();
    const target = await bench.target(forks, { kind: 'python:3.13', limits: { memoryMiB: 512 } });
    const job = bench.job(target, { most: 1000 });
    const done = await bench.runJob(job);
    expect(done.result).toMatchObject({ errno: 11 });
    expect(done.violations).toMatchObject([{ kind: 'pids', detail: expect.stringMatching(/128 processes/) }]);
    expect(reports).toMatchObject([{ kind: 'pids', activationIds: [job.activationId] }]);
    expect((await bench.run(target, { most: 0 })).violations).toBeUndefined();
  });

  it('a system call that the policy kills for counts for the activation that made it', async () => {
    const { bench, reports } = await start();
    const job = bench.job(await bench.target(tripwire, { kind: 'python:3.13' }));
    const done = await bench.runJob(job);
    expect(done.result).toMatchObject({
      error: expect.stringMatching(/system call that its sandbox forbids/),
    });
    expect(done.violations).toMatchObject([{ kind: 'seccomp' }]);
    expect(reports).toMatchObject([
      { kind: 'seccomp', namespace: 'guest', activationIds: [job.activationId] },
    ]);
  });

  it('a violation during an action’s load counts for the first call', async () => {
    const { bench } = await start();
    const early = tripwire
      .replace('def main(args):\n    ', '')
      .replace('    return', 'def main(args):\n    return');
    const done = await bench.run(await bench.target(early, { kind: 'python:3.13' }));
    expect(done.result).toMatchObject({
      error: expect.stringMatching(/system call that its sandbox forbids/),
    });
    expect(done.violations).toMatchObject([{ kind: 'seccomp' }]);
  });
});

describe.skipIf(missing !== undefined)(
  `what an operator sees of them${missing ? ` (${missing})` : ''}`,
  () => {
    let ward: Ward;
    beforeAll(async () => {
      ward = await Ward.start({ security: { violationThreshold: 2, violationWindowSeconds: 3600 } });
      await ward.deploy('trip', tripwire, { kind: 'python:3.13' });
      await ward.deploy('told', 'exports.main = (event) => event');
      await ward.request('PUT', '/api/v1/namespaces/_/triggers/security', { body: {} });
      const rule = { trigger: '/guest/security', action: '/guest/told' };
      await ward.request('PUT', '/api/v1/namespaces/_/rules/watch', { body: rule });
    });
    afterAll(() => ward[Symbol.asyncDispose]());

    it('the record, the list, the metrics and the trigger show the same', async () => {
      const { body } = await ward.invoke('trip');
      expect(body.annotations).toContainEqual({
        key: 'violations',
        value: [{ kind: 'seccomp', detail: expect.any(String), at: expect.any(Number) }],
      });
      const second = await ward.invoke('trip');
      await ward.until(async () => {
        const { body: told } = await ward.request(
          'GET',
          '/api/v1/namespaces/_/activations?name=told&docs=true',
        );
        if (told.length === 0) return false;
        expect(told).toHaveLength(1);
        expect(told[0].response.result).toMatchObject({
          type: 'violations',
          namespace: 'guest',
          count: 2,
          kinds: { seccomp: 2 },
          actions: ['/guest/trip'],
          last: { kind: 'seccomp', activationId: second.body.activationId },
        });
        return true;
      });
      const list = ['sandbox', 'violations', '--data', ward.dataDir, '-o', 'json'];
      let listed: { activationId: string }[] = [];
      await ward.until(async () => {
        listed = JSON.parse((await ward.cli(list)).stdout);
        return listed.length === 2;
      });
      expect(listed).toMatchObject(
        [second, { body }].map(({ body: { activationId } }) => ({
          namespace: 'guest',
          kind: 'seccomp',
          action: '/guest/trip',
          activationId,
        })),
      );
      expect(JSON.parse((await ward.cli([...list, '--kind', 'oom'])).stdout)).toEqual([]);
      const { status, body: figures } = await ward.request('GET', '/metrics');
      expect(status).toBe(200);
      expect(figures).toContain('ward_sandbox_violations_total{kind="seccomp"} 2\n');
      expect(figures).toMatch(/^ward_invocations_total\{status="action developer error",start="cold"\} 2$/m);
      expect(figures).toMatch(/^ward_sandboxes\{state="idle"\} 1$/m);
      expect(figures).toMatch(/^ward_advisories 0\n(?:.*\n)*?ward_advisories_age_seconds -1$/m);
    });
  },
);
