/** Explains the effective policy: one line per mechanism, with the attack vector that it answers. Pure. */
import { describeRule } from '../egress/index.ts';
import { formatSize } from '../lib/index.ts';
import type { HostFeatures, RuntimeFeatures } from './host/features.ts';
import { type Mechanism, mechanismNames, mechanisms, type Vector } from './mechanisms.ts';
import { rlimitsOf, type SandboxPolicy, strictPolicy } from './policy.ts';
import { unavailable } from './requirements.ts';
import { idRangeSize } from './runtime-config/namespaces.ts';
import { stockLabel } from './runtime-config/selinux.ts';
import { strictProfile } from './seccomp/profile.ts';

export interface Explanation {
  readonly mechanism: Mechanism;
  readonly vector: Vector;
  readonly value: string;
  /** `default`: as Ward ships it; `changed`: the operator or the request changed it; `missing`: not on this host. */
  readonly source: 'default' | 'changed' | 'missing';
}

interface ExplainInput {
  readonly policy: SandboxPolicy;
  /** What this machine offers; without it, the explanation covers the policy alone. */
  readonly situation?: {
    readonly host: HostFeatures;
    readonly runtime: RuntimeFeatures;
    readonly hasLandlockLauncher: boolean;
  };
}

export function explainPolicy({ policy, situation }: ExplainInput): readonly Explanation[] {
  const missing = new Map(
    situation === undefined
      ? []
      : unavailable({ policy, ...situation }).map(({ mechanism, why }) => [mechanism, why]),
  );
  return mechanismNames.map((mechanism) => {
    const value = sentences[mechanism](policy);
    const why = missing.get(mechanism);
    const isDefault = value === sentences[mechanism](strictPolicy);
    return {
      mechanism,
      vector: mechanisms[mechanism],
      value: why === undefined ? value : `not in force: ${why}`,
      source: why !== undefined ? 'missing' : isDefault ? 'default' : 'changed',
    };
  });
}

type Sentence = (policy: SandboxPolicy) => string;

const fresh =
  (what: string): Sentence =>
  () =>
    what;

const sentences: Readonly<Record<Mechanism, Sentence>> = {
  'memory-limit': ({ memoryBytes }) => `${formatSize(memoryBytes)} of memory, tmpfs included, and no swap`,
  'cpu-limit': ({ cpus, cpuWeight }) =>
    `${cpus} processor${cpus === 1 ? '' : 's'} at most; weight ${cpuWeight} under contention`,
  'pids-limit': ({ pidsLimit }) => `${pidsLimit} processes and threads`,
  'io-limit': ({ io }) => describeIo(io),
  'tmpfs-limit': ({ tmpfs }) =>
    tmpfs
      .map(
        ({ path, sizeBytes, inodes, exec }) =>
          `${path}: ${formatSize(sizeBytes)}, ${inodes} files, ${exec ? 'programs may run' : 'no programs'}`,
      )
      .join('; '),
  'resource-limits': (policy) =>
    Object.entries(rlimitsOf(policy))
      .map(([name, limit]) => `${name.replace('RLIMIT_', '').toLowerCase()} ${limit}`)
      .join(', '),
  freezer: fresh('an idle sandbox is stopped by the kernel and costs no processor time'),
  'user-namespace': ({ uid, gid }) =>
    `user ${uid}, group ${gid}, in a range of ${idRangeSize} host ids that no other sandbox has`,
  'pid-namespace': fresh('sees and signals its own processes only'),
  'mount-namespace': fresh('its own mounts, which don’t propagate'),
  'ipc-namespace': fresh('its own shared memory and semaphores'),
  'uts-namespace': ({ hostname }) => `its own host name: ${hostname}`,
  'cgroup-namespace': fresh('doesn’t see the control groups of others'),
  'time-namespace': fresh('its own monotonic and boot clocks'),
  seccomp: ({ seccomp }) => describeSeccomp(seccomp),
  'no-capabilities': ({ capabilities }) =>
    capabilities.length === 0
      ? 'none, in all five sets'
      : `${capabilities.join(', ')}, inside its own ids only`,
  'no-new-privileges': ({ noNewPrivileges }) =>
    noNewPrivileges ? 'set-uid programs and file capabilities have no effect' : 'off',
  'read-only-root': ({ rootReadonly }) =>
    rootReadonly ? 'no file of the image can be written' : 'as the folder’s own mount allows',
  'minimal-dev': fresh('null, zero, full, random, urandom and tty on a read-only tmpfs; no /sys'),
  'hidden-proc': ({ maskedPaths, readonlyPaths }) =>
    `/proc shows processes only; where it can’t, ${maskedPaths.length} paths are masked and ${readonlyPaths.length} read-only`,
  landlock: ({ landlock }) =>
    landlock === undefined
      ? 'off'
      : `reads ${pathsOf(landlock, 'read')}; writes devices in ${pathsOf(landlock, 'device')}, and tmpfs`,
  'landlock-scope': ({ landlock }) =>
    landlock === undefined ? 'off' : 'signals and abstract sockets can’t leave the sandbox',
  'no-write-execute': ({ writeExecute }) =>
    ({
      'by-kind': 'memory that was writable never runs, for kinds that don’t compile at run time',
      allowed: 'off',
      refused: 'memory that was writable never runs',
    })[writeExecute],
  'core-scheduling': ({ coreScheduling }) =>
    coreScheduling ? 'shares a processor core with no other sandbox at the same time' : 'off',
  'speculation-control': ({ speculationControl }) =>
    speculationControl ? 'no speculative store bypass, and no branch predictions of other processes' : 'off',
  apparmor: ({ apparmorProfile }) =>
    apparmorProfile === 'auto'
      ? 'a profile of Ward’s own, made from this policy'
      : (apparmorProfile ?? 'off'),
  selinux: ({ selinuxLabel }) =>
    selinuxLabel === 'auto' ? `${stockLabel} with two categories of its own` : (selinuxLabel ?? 'off'),
  'host-isolation': fresh('Ward itself runs in a mount and a pid namespace that end with it'),
  'network-namespace': ({ egress }) =>
    egress === undefined ? 'no network device but lo' : 'lo, and one device that leads only to Ward’s router',
  egress: ({ egress }) => describeEgress(egress),
};

function describeEgress(egress: SandboxPolicy['egress']): string {
  if (egress === undefined) return 'reaches nothing';
  const { connections, connectionsPerSecond, packetsPerSecond, bytesPerSecond } = egress.limits;
  return [
    `reaches ${egress.grants.rules.map(describeRule).join(', ')} and nothing else; private and local addresses only if the operator named them`,
    `${connections} connections, ${connectionsPerSecond} new a second, ${packetsPerSecond} packets and ${formatSize(bytesPerSecond)} a second each way`,
  ].join('; ');
}

function describeIo(io: SandboxPolicy['io']): string {
  if (io === undefined) return 'not limited';
  const rate = (what: string, bytes: number | undefined) =>
    bytes === undefined ? [] : [`${what} ${formatSize(bytes)}/s on each disk`];
  return [
    ...(io.weight === undefined ? [] : [`weight ${io.weight} where the disk scheduler has weights`]),
    ...rate('reads', io.readBytesPerSecond),
    ...rate('writes', io.writeBytesPerSecond),
  ].join(', ');
}

function describeSeccomp(seccomp: SandboxPolicy['seccomp']): string {
  const profile = seccomp === 'strict' ? strictProfile : seccomp;
  const kills = [...profile.refuse.values()].filter((refusal) => refusal === 'kill').length;
  const denied = profile.notGranted.length === 0 ? '' : `; not granted: ${profile.notGranted.join(', ')}`;
  return `${profile.name} list: ${profile.allow.size} system calls, native ABI only; ${kills} end the process${denied}`;
}

function pathsOf(rules: NonNullable<SandboxPolicy['landlock']>, access: string): string {
  return rules
    .filter((rule) => rule.access === access)
    .map((rule) => rule.path)
    .join(', ');
}
