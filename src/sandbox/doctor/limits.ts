/** Probes that need a policy of their own: most run a sandbox with a small limit, and check that the limit holds. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SandboxPolicy } from '../policy.ts';
import type { LocalSandboxHost } from '../sandbox-host.ts';
import { proveEgress } from './egress.ts';
import { inheritedProbes } from './inherited.ts';
import { type ProbeProgram, runProgram, startProgram } from './program.ts';
import type { LimitProbe, ProbeFinding } from './types.ts';

const MiB = 1024 * 1024;

interface LimitContext {
  readonly host: LocalSandboxHost;
  readonly rootDir: string;
  readonly policy: SandboxPolicy;
}

/** In order: they run one after the other, because they disturb each other. */
export const limitProbes: readonly LimitProbe<LimitContext>[] = [
  { mechanism: 'memory-limit', run: memory },
  { mechanism: 'pids-limit', run: pids },
  { mechanism: 'cpu-limit', run: cpu },
  { mechanism: 'io-limit', run: io },
  { mechanism: 'freezer', run: freezer },
  ...inheritedProbes,
  { mechanism: 'egress', run: proveEgress },
];

function program(context: LimitContext, source: string, changes: Partial<SandboxPolicy>): ProbeProgram {
  return { ...context, source, policy: { ...context.policy, ...changes } };
}

async function memory(context: LimitContext): Promise<ProbeFinding> {
  const source = 'kept = []\nwhile True: kept.append(b"x" * 1048576)';
  const { exit } = await runProgram(program(context, source, { memoryBytes: 64 * MiB }));
  return {
    held: exit.outOfMemory,
    evidence: `allocating without end at a limit of 64 MiB: ${exit.signal ?? exit.code}, oom kill ${exit.outOfMemory ? 'counted' : 'not counted'} by the cgroup`,
  };
}

async function pids(context: LimitContext): Promise<ProbeFinding> {
  const source = [
    'import os, time',
    'print("started", flush=True)',
    'made = 0',
    'try:',
    '  while made < 500:',
    '    if os.fork() == 0: time.sleep(30)',
    '    made += 1',
    'except OSError as error: print(made, error.strerror, flush=True)',
    'else: print(made, "and nothing stopped it", flush=True)',
    'os._exit(0)',
  ].join('\n');
  const limit = 48;
  // So that only the cgroup can refuse.
  const rlimits = { ...context.policy.rlimits, RLIMIT_NPROC: 4096 };
  const { stdout, exit } = await runProgram(program(context, source, { pidsLimit: limit, rlimits }));
  const [started, end = `the sandbox ended itself: ${exit.signal ?? exit.code}`] = stdout.trim().split('\n');
  return {
    held: started === 'started' && !(Number.parseInt(end, 10) >= limit),
    evidence: `a fork bomb at a limit of ${limit}: ${end}`,
  };
}

/** Measures from outside, by the cgroup's own count, because a sandbox may have its own clocks. */
async function cpu(context: LimitContext): Promise<ProbeFinding> {
  const source = 'import time\nend = time.monotonic() + 0.6\nwhile time.monotonic() < end: pass';
  const startedAt = performance.now();
  await using sandbox = await startProgram(program(context, source, { cpus: 0.2 }));
  await sandbox.exited;
  const { cpuUsec } = await sandbox.usage();
  const share = cpuUsec / 1000 / (performance.now() - startedAt);
  return {
    held: share < 0.3,
    evidence: `a busy loop at a limit of 0.2 processors got ${share.toFixed(2)}`,
  };
}

/** Reads past the page cache (O_DIRECT), because the limit counts only what reaches a disk. */
async function io(context: LimitContext): Promise<ProbeFinding> {
  const source = [
    'import mmap, os, sys, time',
    'page = mmap.mmap(-1, 65536)',
    'file = os.open(os.path.realpath(sys.executable), os.O_RDONLY | os.O_DIRECT)',
    'start, done = time.monotonic(), 0',
    'while done < 1048576:',
    '  got = os.preadv(file, [page], done)',
    '  if got == 0: break',
    '  done += got',
    'print(done, time.monotonic() - start)',
  ].join('\n');
  const { stdout } = await runProgram(program(context, source, { io: { readBytesPerSecond: 2 * MiB } }));
  const [bytes = 0, seconds = 0] = stdout.trim().split(' ').map(Number);
  const rate = bytes / seconds / MiB;
  return {
    held: bytes === MiB && rate < 3,
    evidence: `reading ${bytes} bytes past the cache at a limit of 2 MiB/s: ${rate.toFixed(1)} MiB/s`,
  };
}

async function freezer(context: LimitContext): Promise<ProbeFinding> {
  const source = ['import os, time', 'while True:', '  os.write(1, b".")', '  time.sleep(0.002)'].join('\n');
  await using sandbox = await startProgram(program(context, source, {}));
  let ticks = 0;
  sandbox.stdout.on('data', (chunk: Buffer) => {
    ticks += chunk.length;
  });
  const ticking = async () => {
    const before = ticks;
    for (let waits = 0; waits < 300 && ticks === before; waits++) await sleep(10);
    return ticks > before;
  };
  const ran = await ticking();
  await sandbox.freeze();
  // Output from before the freeze is still on its way.
  await sleep(20);
  const frozenAt = ticks;
  await sleep(100);
  const stood = ticks === frozenAt;
  await sandbox.thaw();
  const ranOn = await ticking();
  return {
    held: ran && stood && ranOn,
    evidence: `a ticking program ${stood ? 'stood still' : 'went on'} while frozen and ${ranOn ? 'went on' : 'stayed silent'} after`,
  };
}
