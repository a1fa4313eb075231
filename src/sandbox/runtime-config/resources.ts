/** Control group limits. */
import type { CgroupLimits } from '../cgroup/types.ts';
import { sharesOf } from '../cgroup/v1.ts';
import type { HostFeatures } from '../host/features.ts';
import type { OciBlockIo, OciDeviceRule, OciResources } from '../oci-config.ts';
import type { SandboxPolicy } from '../policy.ts';

/** Length of one accounting period of the processor quota, in wall-clock time. */
const cpuPeriodUsec = 100_000;

/** Processor time per period; the kernel accepts no less than 1 ms. */
function cpuQuotaUsec(cpus: number): number {
  return Math.max(1000, Math.round(cpus * cpuPeriodUsec));
}

export function resourcesOf(policy: SandboxPolicy, host: HostFeatures): OciResources {
  const isV2 = host.cgroup.version === 2;
  return {
    devices: [{ allow: false, access: 'rwm' }, ...devices],
    memory: {
      limit: policy.memoryBytes,
      // This limits memory and swap together; equal to the memory limit, it leaves no swap.
      ...(host.cgroup.swapLimit ? { swap: policy.memoryBytes } : {}),
      ...(isV2 ? {} : { swappiness: 0 }),
    },
    cpu: {
      ...(isV2 ? {} : { shares: sharesOf(policy.cpuWeight) }),
      quota: cpuQuotaUsec(policy.cpus),
      period: cpuPeriodUsec,
    },
    pids: { limit: policy.pidsLimit },
    ...blockIoOf(policy, host),
    // Write the weight directly: runtimes and their versions convert shares differently.
    ...(isV2 ? { unified: { 'cpu.weight': String(policy.cpuWeight) } } : {}),
  };
}

/** The same limits, for a group that Ward itself makes. */
export function limitsOf(policy: SandboxPolicy): CgroupLimits {
  return {
    memoryBytes: policy.memoryBytes,
    pids: policy.pidsLimit,
    cpuQuotaUsec: cpuQuotaUsec(policy.cpus),
    cpuPeriodUsec,
    cpuWeight: policy.cpuWeight,
  };
}

/** Programs may read and write null, zero, full, random, urandom and tty, and make no device. */
const devices: readonly OciDeviceRule[] = [
  [1, 3],
  [1, 5],
  [1, 7],
  [1, 8],
  [1, 9],
  [5, 0],
].map(([major, minor]) => ({ allow: true, type: 'c', major: major ?? 0, minor: minor ?? 0, access: 'rw' }));

function blockIoOf(policy: SandboxPolicy, host: HostFeatures): { blockIO?: OciBlockIo } {
  const { io } = policy;
  const hasController = host.cgroup.controllers.has(host.cgroup.version === 2 ? 'io' : 'blkio');
  if (io === undefined || !hasController || policy.runtime === 'runsc') return {};
  const perDisk = (rate: number) => host.disks.map(({ major, minor }) => ({ major, minor, rate }));
  const blockIO: OciBlockIo = {
    ...(io.weight === undefined || !host.cgroup.ioWeight ? {} : { weight: io.weight }),
    ...(io.readBytesPerSecond === undefined ? {} : { throttleReadBpsDevice: perDisk(io.readBytesPerSecond) }),
    ...(io.writeBytesPerSecond === undefined
      ? {}
      : { throttleWriteBpsDevice: perDisk(io.writeBytesPerSecond) }),
  };
  return Object.keys(blockIO).length === 0 ? {} : { blockIO };
}
