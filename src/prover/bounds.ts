/** A policy made tighter, never looser, so that a technique reaches its limits soon. */
import type { SandboxPolicy } from '../sandbox/index.ts';
import type { Bounds } from './types.ts';

/** The smaller of each pair counts. */
export function boundedBy(policy: SandboxPolicy, bounds: Bounds = {}): SandboxPolicy {
  const { memoryBytes, pidsLimit, cpus, tmpfsBytes, tmpfsInodes } = bounds;
  return {
    ...policy,
    memoryBytes: least(policy.memoryBytes, memoryBytes),
    pidsLimit: least(policy.pidsLimit, pidsLimit),
    cpus: least(policy.cpus, cpus),
    tmpfs: policy.tmpfs.map((mount) => ({
      ...mount,
      sizeBytes: least(mount.sizeBytes, tmpfsBytes),
      inodes: least(mount.inodes, tmpfsInodes),
    })),
  };
}

function least(value: number, bound: number | undefined): number {
  return bound === undefined ? value : Math.min(value, bound);
}
