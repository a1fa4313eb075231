/** A control group of the test's own with a memory limit, for a Ward. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { chargedBytes, readMounts } from '../src/sandbox/index.ts';

const mebibyte = 1024 * 1024;

export interface MemoryGroup extends AsyncDisposable {
  /** Prefix for a command to run in the group. */
  readonly before: readonly string[];
  /** Memory without the page cache. */
  chargedMiB(): number;
  peakMiB(): number;
  /** Number of its processes that the kernel killed for memory. */
  kills(): number;
}

/** Why no group can be made, or undefined. */
export function missingForGroups(): string | undefined {
  return place() === undefined ? 'needs a memory controller that can be used' : undefined;
}

export function memoryGroup(limitMiB: number | undefined): MemoryGroup {
  const { mount, version } = place() ?? { mount: '/nonexistent', version: 1 };
  const folder = join(mount, `ward-test-memory-${randomBytes(6).toString('hex')}`);
  mkdirSync(folder);
  const read = (file: string) => readFileSync(join(folder, file), 'utf8');
  const [limit, peak] =
    version === 1 ? ['memory.limit_in_bytes', 'memory.max_usage_in_bytes'] : ['memory.max', 'memory.peak'];
  if (limitMiB !== undefined) writeFileSync(join(folder, limit), String(limitMiB * mebibyte));
  return {
    before: ['/bin/sh', '-c', `echo $$ > ${folder}/cgroup.procs && exec "$@"`, 'sh'],
    chargedMiB: () => (chargedBytes({ folder, version }) ?? Number.NaN) / mebibyte,
    peakMiB: () => Number(read(peak)) / mebibyte,
    kills: () =>
      Number(/^oom_kill (\d+)$/m.exec(read(version === 1 ? 'memory.oom_control' : 'memory.events'))?.[1]),
    // After a kill, the processes of a Ward take a moment to end.
    [Symbol.asyncDispose]: () => vi.waitFor(() => rmdirSync(folder), { timeout: 10_000 }),
  };
}

function place(): { readonly mount: string; readonly version: 1 | 2 } | undefined {
  const mounts = readMounts();
  const v1 = mounts.find(({ type, options }) => type === 'cgroup' && options.includes('memory'));
  if (v1 !== undefined) return { mount: v1.path, version: 1 };
  const v2 = mounts.find(({ type }) => type === 'cgroup2');
  if (v2 === undefined) return undefined;
  const handed = readFileSync(join(v2.path, 'cgroup.subtree_control'), 'utf8').includes('memory');
  return handed ? { mount: v2.path, version: 2 } : undefined;
}
