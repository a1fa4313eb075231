/**
 * Decides whether a technique may go up to a limit of the policy. A limit that would harm the machine is not tried,
 * and a limit above the machine's capacity does not limit.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { formatSize } from '../lib/index.ts';
import type { SandboxPolicy } from '../sandbox/index.ts';
import type { AttackAnswer, Reach } from './types.ts';

/** What the machine has. */
interface Capacity {
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
  readonly processes: number;
  readonly processors: number;
}

/** The answer without an attempt, or undefined when the technique may run. */
export function outOfReach(
  reach: Reach,
  policy: SandboxPolicy,
  capacity: Capacity = capacityHere(),
): AttackAnswer | undefined {
  return checks[reach](policy, capacity);
}

type Check = (policy: SandboxPolicy, capacity: Capacity) => AttackAnswer | undefined;

/** Techniques use one and a half times the limit, and two may run at once. */
const share = 4;
/** Each Python process takes a millisecond to start and half a mebibyte. */
const mostProcesses = 2048;
const mostInodes = 200_000;

const checks: Readonly<Record<Reach, Check>> = {
  memory: ({ memoryBytes }, capacity) =>
    memoryBytes >= capacity.memoryBytes
      ? noLimit(`${formatSize(memoryBytes)} of memory`, `has ${formatSize(capacity.memoryBytes)}`)
      : memory(memoryBytes, capacity),
  processes: ({ pidsLimit }, { processes }) => {
    if (pidsLimit >= processes) return noLimit(`${pidsLimit} processes`, `can have ${processes}`);
    return pidsLimit > mostProcesses ? untried(`${pidsLimit} processes`) : undefined;
  },
  // With fewer processors, even full use of all of them would pass as within the limit.
  processors: ({ cpus }, { processors }) =>
    processors >= cpus * 1.5
      ? undefined
      : { outcome: 'NOTHING', detail: `the limit is ${cpus} processors, and the machine has ${processors}` },
  tmpfs: ({ tmpfs, memoryBytes }, capacity) => {
    const largest = Math.max(...tmpfs.map(({ sizeBytes }) => sizeBytes));
    const most = Math.max(...tmpfs.map(({ inodes }) => inodes));
    if (most > mostInodes) return untried(`${most} files`);
    return memory(Math.min(largest, memoryBytes), capacity);
  },
};

function memory(bytes: number, { freeMemoryBytes }: Capacity): AttackAnswer | undefined {
  return bytes * share > freeMemoryBytes ? untried(formatSize(bytes)) : undefined;
}

function noLimit(limit: string, machine: string): AttackAnswer {
  return { outcome: 'ESCAPED', detail: `a limit of ${limit} limits nothing: the machine ${machine}` };
}

function untried(limit: string): AttackAnswer {
  return { outcome: 'NOTHING', detail: `this machine can’t reach the limit of ${limit} without harm` };
}

function capacityHere(): Capacity {
  return {
    memoryBytes: totalmem(),
    freeMemoryBytes: numberIn('/proc/meminfo', /^MemAvailable:\s+(\d+) kB$/m) * 1024,
    processes: Math.min(
      numberIn('/proc/sys/kernel/pid_max', /^(\d+)/),
      numberIn('/proc/sys/kernel/threads-max', /^(\d+)/),
    ),
    processors: availableParallelism(),
  };
}

function numberIn(file: string, pattern: RegExp): number {
  return Number(pattern.exec(readFileSync(file, 'utf8'))?.[1]);
}
