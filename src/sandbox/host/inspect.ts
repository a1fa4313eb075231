/** Inspects the machine. Only reads, except that it tries Landlock out where no securityfs lists the LSMs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { arch, release } from 'node:os';
import { join } from 'node:path';
import { egressObstacle } from '../../egress/index.ts';
import { runCommand } from '../../lib/index.ts';
import type { CgroupFeatures } from '../cgroup/types.ts';
import { sandboxFault } from '../faults.ts';
import { inheritedHere } from '../inherited.ts';
import type { Disk, HostFeatures, LsmFeatures } from './features.ts';
import { isIsolated } from './isolated.ts';
import { type MountPoint, readMounts } from './mounts.ts';

/** @throws Fault HOST_UNFIT when the machine has no usable control groups or an unsupported processor. */
export async function inspectHost(): Promise<HostFeatures> {
  const processor = arch();
  if (processor !== 'x64' && processor !== 'arm64') {
    throw sandboxFault('HOST_UNFIT', `Ward has no seccomp profile for the processor ${processor}`);
  }
  return {
    kernel: release(),
    arch: processor,
    isolated: isIsolated(),
    cgroup: cgroupFeatures(readMounts(), readText('/proc/self/cgroup')),
    lsm: await lsmFeatures(),
    namespaces: new Set(readdirSync('/proc/self/ns')),
    disks: disksOf('/sys/block'),
    inherited: await inheritedHere(processor),
    egressObstacle: egressObstacle(),
  };
}

/**
 * Finds the hierarchies and their controllers. Ward's own mount namespace hides the version 2 mount of a hybrid host,
 * but /proc/self/cgroup still lists its membership (the line `0::`).
 */
export function cgroupFeatures(mounts: readonly MountPoint[], membership: string): CgroupFeatures {
  const v1 = mounts.filter((mount) => mount.type === 'cgroup');
  if (v1.length > 0) {
    const controllers = new Map(
      v1.flatMap(({ options, path }) =>
        options.filter((option) => v1Name.test(option)).map((option): [string, string] => [option, path]),
      ),
    );
    const has = (controller: string, file: string) =>
      existsSync(join(controllers.get(controller) ?? '/nonexistent', file));
    return {
      mode: /^0::/m.test(membership) ? 'hybrid' : 'v1',
      version: 1,
      controllers,
      swapLimit: has('memory', 'memory.memsw.limit_in_bytes'),
      ioWeight: has('blkio', 'blkio.weight') || has('blkio', 'blkio.bfq.weight'),
    };
  }
  const v2 = mounts.find((mount) => mount.type === 'cgroup2');
  if (v2 === undefined) {
    throw sandboxFault('HOST_UNFIT', 'no control groups are mounted', {
      hint: 'mount -t cgroup2 none /sys/fs/cgroup',
    });
  }
  const names = readText(join(v2.path, 'cgroup.controllers')).trim().split(/\s+/);
  return {
    mode: 'v2',
    version: 2,
    controllers: new Map(names.map((name) => [name, v2.path])),
    // The root group has no swap file to look for; groups with the controller `memory` have it.
    swapLimit: names.includes('memory') && existsSync('/proc/swaps'),
    ioWeight: names.includes('io'),
  };
}

/** Every hierarchy counts, even one that limits nothing: runtimes make groups in all of them. */
const v1Name =
  /^(?:memory|cpu|cpuacct|pids|freezer|devices|cpuset|blkio|net_cls|net_prio|perf_event|hugetlb|rdma|misc|name=.+)$/;

const parsers = ['/usr/sbin/apparmor_parser', '/sbin/apparmor_parser'];

async function lsmFeatures(): Promise<LsmFeatures> {
  const listed = readText('/sys/kernel/security/lsm').trim().split(',');
  const profiles = readText('/sys/kernel/security/apparmor/profiles');
  const isAppArmorOn = readText('/sys/module/apparmor/parameters/enabled').trim() === 'Y';
  const enforce = readText('/sys/fs/selinux/enforce').trim();
  return {
    landlock: listed.includes('landlock') || (await canLandlock()),
    apparmorProfiles: isAppArmorOn ? parseProfiles(profiles) : undefined,
    apparmorParser: isAppArmorOn ? parsers.find((path) => existsSync(path)) : undefined,
    selinux: enforce === '1' ? 'enforcing' : enforce === '0' ? 'permissive' : 'off',
  };
}

/** Parses the lines of /sys/kernel/security/apparmor/profiles: `name (mode)`. */
export function parseProfiles(text: string): ReadonlySet<string> {
  return new Set(text.split('\n').flatMap((line) => /^(.*) \([a-z]+\)$/.exec(line)?.[1] ?? []));
}

async function canLandlock(): Promise<boolean> {
  const argv = ['setpriv', '--landlock-access', 'fs', '--landlock-rule', 'path-beneath:execute,read-file:/'];
  try {
    return (await runCommand([...argv, '/bin/true'], { timeoutMs: 5000 })).code === 0;
  } catch {
    return false;
  }
}

/**
 * Lists whole disks with a medium. The kernel refuses limits on a partition or a mapped device, or counts them twice.
 */
export function disksOf(folder: string): Disk[] {
  return readNames(folder)
    .filter((name) => !/^(?:loop|ram|zram|dm-|md|sr|fd|mtdblock)|boot\d+$/.test(name))
    .filter((name) => Number(readText(join(folder, name, 'size'))) > 0)
    .flatMap((name) => {
      const [major, minor] = readText(join(folder, name, 'dev'))
        .trim()
        .split(':')
        .map(Number);
      return major === undefined || minor === undefined ? [] : [{ name, major, minor }];
    });
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Returns '' for a file that can't be read: its feature then counts as absent. */
function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
