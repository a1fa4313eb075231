/**
 * Rules that every runtime configuration must keep. Ward checks them on the finished configuration right before a
 * runtime sees it. They repeat what the builders do on purpose: a change there that opens a hole fails here, at the
 * first start, with the rule's name.
 */
import { lstatSync } from 'node:fs';
import { sandboxFault } from '../faults.ts';
import type { OciMount, OciSpec } from '../oci-config.ts';
import type { SandboxPolicy } from '../policy.ts';
import { resolvConfPath } from './mounts.ts';
import { idRangeSize } from './namespaces.ts';

interface ValidationContext {
  /** The cgroup of this Ward instance: `/ward/<instance>`. */
  readonly instancePath: string;
  readonly policy: SandboxPolicy;
  /** The sandbox's folder on the host. */
  readonly bundleDir: string;
  /** The folder with its device files. */
  readonly deviceDir: string | undefined;
}

interface Validation {
  /** The rule, as a sentence. */
  readonly rule: string;
  holds(spec: OciSpec, context: ValidationContext): boolean;
}

/** @throws Fault SPEC_UNSAFE naming every broken rule. */
export function validateSpec(spec: OciSpec, context: ValidationContext): void {
  const broken = validations.filter((validation) => !validation.holds(spec, context));
  if (broken.length === 0) return;
  const rules = broken.map(({ rule }) => rule).join('; ');
  throw sandboxFault(
    'SPEC_UNSAFE',
    `Ward does not start the sandbox, because its configuration breaks these rules: ${rules}`,
  );
}

/** Settings of a network namespace. Other settings of `net` belong to the host in every namespace. */
const networkSettings = new Set(['net.ipv4.tcp_rmem', 'net.ipv4.tcp_max_tw_buckets']);
const namespaceKinds = ['pid', 'network', 'ipc', 'uts', 'mount', 'user', 'cgroup'];

export const validations: readonly Validation[] = [
  {
    rule: 'the cgroup path is absolute and one level below the instance',
    holds: ({ linux: { cgroupsPath } }, { instancePath }) => {
      const prefix = `${instancePath}/`;
      return (
        /^\/ward\/[a-z0-9-]+$/.test(instancePath) &&
        cgroupsPath.startsWith(prefix) &&
        /^[a-z0-9-]+$/.test(cgroupsPath.slice(prefix.length))
      );
    },
  },
  {
    rule: 'every kind of namespace is new, or made for this sandbox',
    holds: ({ linux: { namespaces } }, { policy, bundleDir }) =>
      namespaceKinds.every((kind) => namespaces.some(({ type }) => type === kind)) &&
      namespaces.every(({ type, path }) =>
        type === 'network' && policy.egress !== undefined ? path === `${bundleDir}/net` : path === undefined,
      ),
  },
  {
    rule: 'ids map to one range high above the host’s own, and container id 0 is mapped',
    holds: ({ linux: { uidMappings, gidMappings } }) =>
      [uidMappings, gidMappings].every(
        ([mapping, ...more]) =>
          more.length === 0 &&
          mapping?.containerID === 0 &&
          mapping.size === idRangeSize &&
          mapping.hostID >= 2 ** 30 &&
          mapping.hostID % idRangeSize === 0,
      ),
  },
  {
    rule: 'no capability that the policy doesn’t name',
    holds: ({ process: { capabilities } }, { policy }) =>
      [
        capabilities.bounding,
        capabilities.effective,
        capabilities.inheritable,
        capabilities.permitted,
        capabilities.ambient,
      ].every((set) => set.every((name) => policy.capabilities.includes(name))),
  },
  {
    rule: 'no new privileges',
    holds: ({ process: { noNewPrivileges } }, { policy }) => noNewPrivileges || !policy.noNewPrivileges,
  },
  {
    rule: 'the root is read-only',
    holds: ({ root }, { policy }) => root.readonly || !policy.rootReadonly,
  },
  {
    rule: 'the root folder is not a symbolic link',
    holds: ({ root }) => root.path.startsWith('/') && isRealFolder(root.path),
  },
  {
    rule: '/dev is a tmpfs or a read-only folder of Ward’s own, mounted before anything in it',
    holds: ({ mounts }, { deviceDir }) => {
      const dev = mounts.findIndex(({ destination }) => destination === '/dev');
      const inDev = mounts.findIndex(({ destination }) => destination.startsWith('/dev/'));
      const mount = mounts[dev];
      const isOwn = mount?.type === 'tmpfs' || (mount !== undefined && mount.source === deviceDir);
      return isOwn && (inDev === -1 || dev < inDev);
    },
  },
  {
    rule: '/proc shows processes only, or its other files are masked',
    holds: ({ mounts, linux: { maskedPaths } }) => {
      const proc = mounts.find(({ destination }) => destination === '/proc');
      const isReduced = hasOptions(proc, 'subset=pid') || maskedPaths.includes('/proc/kcore');
      return proc?.type === 'proc' && hasOptions(proc, 'nosuid', 'noexec', 'nodev') && isReduced;
    },
  },
  {
    rule: 'nothing but /proc, tmpfs and bind mounts',
    holds: ({ mounts }) =>
      mounts.every(({ type, destination }) => type !== 'proc' || destination === '/proc') &&
      mounts.every(({ destination }) => !/^\/sys(\/|$)/.test(destination)),
  },
  {
    rule: 'every tmpfs is limited in size and inodes, without set-uid, devices and programs',
    holds: ({ mounts }, { policy }) => mounts.filter(isTmpfs).every((mount) => isLimitedTmpfs(mount, policy)),
  },
  {
    rule: 'every bind mount is read-only, private, without set-uid and devices',
    holds: ({ mounts }) =>
      mounts
        .filter(isBind)
        .every((mount) =>
          hasOptions(mount, 'ro', 'nosuid', mount.destination === '/dev' ? 'noexec' : 'nodev', 'private'),
        ),
  },
  {
    rule: 'no bind mount source is a symbolic link',
    holds: ({ mounts }, { bundleDir }) =>
      mounts
        .filter(isBind)
        .every(({ destination, source }) =>
          destination === resolvConfPath ? source === `${bundleDir}/resolv.conf` : isRealFolder(source),
        ),
  },
  {
    rule: 'mounts don’t propagate',
    holds: ({ linux: { rootfsPropagation } }) => rootfsPropagation === 'private',
  },
  {
    rule: 'memory, processor and processes are limited, and there is no swap',
    holds: ({ linux: { resources } }) => {
      const { memory, cpu, pids } = resources;
      return (
        memory.limit > 0 &&
        (memory.swap === undefined || memory.swap === memory.limit) &&
        cpu.quota > 0 &&
        cpu.period > 0 &&
        pids.limit > 0
      );
    },
  },
  {
    rule: 'all devices are denied, then a few are allowed, and none can be made',
    holds: ({ linux: { resources } }) => {
      const [first, ...rest] = resources.devices;
      return (
        first?.allow === false &&
        first.access === 'rwm' &&
        first.type === undefined &&
        rest.every(({ allow, access, major }) => allow && !access.includes('m') && major !== undefined)
      );
    },
  },
  {
    rule: 'seccomp refuses every call that it doesn’t name',
    holds: ({ linux: { seccomp } }) => seccomp.defaultAction !== 'SCMP_ACT_ALLOW',
  },
  {
    rule: 'seccomp compares by equality only, with one test per argument',
    holds: ({ linux: { seccomp } }) =>
      seccomp.syscalls.every(({ args = [] }) => {
        const indexes = new Set(args.map(({ index }) => index));
        return (
          indexes.size === args.length &&
          args.every(({ op }) => op === 'SCMP_CMP_EQ' || op === 'SCMP_CMP_MASKED_EQ')
        );
      }),
  },
  {
    rule: 'seccomp knows the native architecture only',
    holds: ({ linux: { seccomp } }) =>
      seccomp.architectures.length === 1 &&
      ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'].includes(seccomp.architectures[0] ?? ''),
  },
  {
    rule: 'settings apply to a new network namespace',
    holds: ({ linux: { sysctl = {}, namespaces } }) =>
      Object.keys(sysctl).every(
        (name) =>
          networkSettings.has(name) &&
          namespaces.some(({ type, path }) => type === 'network' && path === undefined),
      ),
  },
  {
    rule: 'no terminal',
    holds: ({ process }) => !process.terminal,
  },
];

function isTmpfs({ type }: OciMount): boolean {
  return type === 'tmpfs';
}

function isBind({ type, options }: OciMount): boolean {
  return type === 'bind' || options.includes('bind') || options.includes('rbind');
}

function isLimitedTmpfs(mount: OciMount, policy: SandboxPolicy): boolean {
  const mayExec = policy.tmpfs.some(({ path, exec }) => path === mount.destination && exec);
  const hasLimit = (name: string) => mount.options.some((option) => option.startsWith(`${name}=`));
  const isInert =
    hasOptions(mount, 'nosuid') &&
    (mayExec || hasOptions(mount, 'noexec')) &&
    // The mount on /dev holds the device files, so it can't be nodev.
    (mount.destination === '/dev' || hasOptions(mount, 'nodev'));
  return isInert && hasLimit('size') && hasLimit('nr_inodes');
}

function hasOptions(mount: OciMount | undefined, ...names: string[]): boolean {
  return names.every((name) => mount?.options.includes(name) === true);
}

function isRealFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
