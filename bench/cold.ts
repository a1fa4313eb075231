/**
 * Cold starts: the first call of a function that has no sandbox. The baseline is what can't be avoided: the OCI runtime
 * starting a static program in the same kind of sandbox, plus Node starting on its own. Then the same with a prewarmed
 * sandbox.
 */
import { copyFile, mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun, silentLog } from '../src/lib/index.ts';
import { openSandboxHost, strictPolicy } from '../src/sandbox/index.ts';
import { Ward } from '../test/ward.ts';
import { median, ms, type Row } from './table.ts';

const code = 'function main(p) { return { greeting: "Hello, " + p.name }; }';
const rounds = 25;
const prewarmTargetMs = 10;

export async function benchCold(folder: string): Promise<readonly Row[]> {
  await using cold = await Ward.start();
  await cold.raiseLimits();
  await using runtime = await staticProgram(folder);
  const samples = { runtime: [] as number[], node: [] as number[], cold: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    samples.runtime.push(await runtime.run());
    samples.node.push(await timed(() => mustRun([process.execPath, '-e', '0'])));
    samples.cold.push(await firstCall(cold, `cold-${round}`));
  }
  const bare = median(samples.runtime) + median(samples.node);
  const ours = median(samples.cold);
  return [
    {
      what: 'cold start, request to result',
      baseline: `crun run of a static program ${ms(median(samples.runtime))} + node -e 0 ${ms(median(samples.node))}`,
      ward: ms(ours),
      result: `${(ours / bare).toFixed(2)} ×`,
      target: '≤ 1.5 ×',
      isMet: ours / bare <= 1.5,
    },
    await prewarmed(),
  ];
}

async function prewarmed(): Promise<Row> {
  await using ward = await Ward.start({
    invoker: { prewarm: [{ kind: 'nodejs:24', memoryMiB: 256, count: 1 }] },
  });
  await ward.raiseLimits();
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    // The prewarmed sandbox is frozen once it is ready.
    await ward.until(() => ward.sandboxStates().filter((state) => state === 'FROZEN').length === round + 1);
    samples.push(await firstCall(ward, `prewarmed-${round}`));
    await ward.until(() => ward.sandboxStates().length === round + 2);
  }
  const ours = median(samples);
  return {
    what: 'first call with a prewarmed sandbox, request to result',
    baseline: '–',
    ward: ms(ours),
    result: ms(ours),
    target: `≤ ${prewarmTargetMs} ms`,
    isMet: ours <= prewarmTargetMs,
  };
}

/** Deploys a function, calls it for the first time, and returns the milliseconds of the call. */
async function firstCall(ward: Ward, name: string): Promise<number> {
  await ward.deploy(name, code);
  return timed(async () => {
    const reply = await ward.invoke(name, { name: 'World' });
    if (reply.status !== 200) throw new Error(`${reply.status}: ${JSON.stringify(reply.body)}`);
  });
}

async function staticProgram(folder: string) {
  const rootDir = join(await mkdtemp(join(folder, 'static-')), 'root');
  for (const name of ['bin', 'proc', 'dev', 'tmp']) await mkdir(join(rootDir, name), { recursive: true });
  await mustRun(['chmod', '-R', 'a+rX', folder]);
  await copyFile('/bin/busybox', join(rootDir, 'bin', 'busybox'));
  const host = await openSandboxHost({
    instance: 'bench',
    runDir: '/run/ward',
    runtime: 'crun',
    log: silentLog,
  });
  return {
    /** Milliseconds until the program has ended, without Ward's clean-up. */
    async run(): Promise<number> {
      const begunAt = performance.now();
      const sandbox = await host.start({
        rootDir,
        args: ['/bin/busybox', 'true'],
        env: {},
        cwd: '/',
        policy: strictPolicy,
        channel: 'none',
      });
      sandbox.stdout.resume();
      sandbox.stderr.resume();
      const exit = await sandbox.exited;
      const took = performance.now() - begunAt;
      if (exit.code !== 0) throw new Error(exit.runtimeError);
      await sandbox.destroy();
      return took;
    },
    [Symbol.asyncDispose]: () => host.close(),
  };
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const begunAt = performance.now();
  await action();
  return performance.now() - begunAt;
}
