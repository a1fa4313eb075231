/**
 * Crashes sandboxes on a host whose `core_pattern` names a program, which needs a machine of its own: the kernel runs
 * it as root. It must run for a sandbox with the limit 0, or the test proves nothing, and for no sandbox of Ward.
 */
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { runProgram } from '../../../src/sandbox/doctor/program.ts';
import { type LocalSandboxHost, strictPolicy } from '../../../src/sandbox/index.ts';
import { check } from './report.ts';

const trace = '/run/handler-ran';
const settings = {
  core_pattern: `|/bin/busybox touch ${trace}`,
  // With 1, a crashing process ends only after its handler: core(5). With 0, it would not wait.
  core_pipe_limit: '1',
} as const;

export async function checkCoreDumps(host: LocalSandboxHost, rootDir: string): Promise<void> {
  await check('the host’s handler of core dumps is not run for a sandbox', async () => {
    await using stack = new AsyncDisposableStack();
    for (const [name, value] of Object.entries(settings)) {
      const file = `/proc/sys/kernel/${name}`;
      const before = await readFile(file, 'utf8');
      stack.defer(() => writeFile(file, before.trim()));
      await writeFile(file, value);
    }
    const runsAt = async (limit: number | undefined): Promise<boolean> => {
      await rm(trace, { force: true });
      const rlimits = { ...strictPolicy.rlimits, ...(limit === undefined ? {} : { RLIMIT_CORE: limit }) };
      const ran = await runProgram({ host, rootDir, policy: { ...strictPolicy, rlimits }, source: crashing });
      if (ran.stdout !== 'crashed\n') throw new Error(`${JSON.stringify(ran.exit)} ${ran.stderr}`);
      return (await stat(trace).catch(() => undefined)) !== undefined;
    };
    const [atZero, atWards] = [await runsAt(0), await runsAt(undefined)];
    return { ok: atZero && !atWards, detail: `run at the limit 0: ${atZero}, at Ward’s: ${atWards}` };
  });
}

/** Crashes a child, because the end of the first process ends the sandbox. */
const crashing = `
import os, signal
child = os.fork()
if child == 0:
    os.abort()
_, status = os.waitpid(child, 0)
print("crashed" if os.WTERMSIG(status) == signal.SIGABRT else status)
`;
