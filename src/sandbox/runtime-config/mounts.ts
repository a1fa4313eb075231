/**
 * The mounts of a sandbox besides its root: /proc with its own processes, a tmpfs for /dev, writable tmpfs limited in
 * size and inodes, and the code. No /sys, no cgroups, no terminals, no message queues.
 */

import type { OciMount } from '../oci-config.ts';
import type { TmpfsPolicy } from '../policy.ts';
import type { SpecInput } from './input.ts';

/** The path of a function's code inside. */
export const codePath = '/fn';
/** The path of the resolver's configuration inside. */
export const resolvConfPath = '/etc/resolv.conf';

export function mountsOf(input: SpecInput): OciMount[] {
  return [
    procMount(input),
    deviceMount(input),
    ...input.policy.tmpfs.map(tmpfsMount),
    ...(input.codeDir === undefined ? [] : [codeMount(input.codeDir)]),
    ...(input.network === undefined ? [] : [resolvConfMount(input.network.resolvConf)]),
  ];
}

function procMount({ runtime }: SpecInput): OciMount {
  const onlyProcesses = runtime.procSubset ? ['hidepid=2', 'subset=pid'] : [];
  return {
    destination: '/proc',
    type: 'proc',
    source: 'proc',
    options: ['nosuid', 'noexec', 'nodev', ...onlyProcesses],
  };
}

/**
 * Mounts /dev in every sandbox: a symbolic link in an image's own /dev could redirect the runtime (CVE-2025-31133). If
 * the policy has a tmpfs below /dev, the runtime must be able to make its mount point.
 */
function deviceMount({ deviceDir, policy }: SpecInput): OciMount {
  const isKnown = policy.tmpfs.every(({ path }) => !path.startsWith('/dev/') || path === '/dev/shm');
  if (deviceDir !== undefined && isKnown) {
    const options = ['bind', 'ro', 'nosuid', 'noexec', 'private'];
    return { destination: '/dev', type: 'bind', source: deviceDir, options };
  }
  return {
    destination: '/dev',
    type: 'tmpfs',
    source: 'dev',
    options: ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=64k', 'nr_inodes=32', 'ro'],
  };
}

function tmpfsMount({ path, sizeBytes, inodes, exec }: TmpfsPolicy): OciMount {
  return {
    destination: path,
    type: 'tmpfs',
    source: 'tmpfs',
    options: [
      ...['nosuid', 'nodev', ...(exec ? [] : ['noexec'])],
      ...['mode=1777', `size=${sizeBytes}`, `nr_inodes=${inodes}`],
    ],
  };
}

/** Executable, because functions have native addons and programs; read-only inside. */
function codeMount(codeDir: string): OciMount {
  return {
    destination: codePath,
    type: 'bind',
    source: codeDir,
    options: ['bind', 'ro', 'nosuid', 'nodev', 'private'],
  };
}

/** Mounts a file that Ward made, in a folder that no sandbox sees. */
function resolvConfMount(file: string): OciMount {
  return {
    destination: resolvConfPath,
    type: 'bind',
    source: file,
    options: ['bind', 'ro', 'nosuid', 'nodev', 'noexec', 'private'],
  };
}
