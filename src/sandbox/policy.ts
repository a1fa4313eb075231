/**
 * The policy of a sandbox: what it may do and use. One immutable value, from which the whole runtime configuration
 * follows. `strictPolicy` is the documented default; every other policy is derived from it, within the operator's
 * bounds (`bound.ts`).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { EgressGrants, EgressLimits } from '../egress/index.ts';
import type { Mechanism } from './mechanisms.ts';
import type { SeccompProfile } from './seccomp/profile.ts';

/** An OCI runtime that Ward has a driver for. */
export type RuntimeName = 'crun' | 'runc' | 'runsc';

export interface TmpfsPolicy {
  readonly path: string;
  readonly sizeBytes: number;
  readonly inodes: number;
  /** Programs may be started from it. */
  readonly exec: boolean;
}

/** Shares of disk time, and bytes a second on each disk of the host. */
interface IoPolicy {
  /** 1 to 1000; 100 is an equal share. */
  readonly weight?: number;
  readonly readBytesPerSecond?: number;
  readonly writeBytesPerSecond?: number;
}

/** `read`: read and execute; `device`: write to what exists; `write`: everything but execute. */
export interface LandlockRule {
  readonly access: 'read' | 'device' | 'write';
  readonly path: string;
}

/** Where a sandbox may connect to, and how much it may send and receive. */
interface EgressPolicy {
  readonly grants: EgressGrants;
  readonly limits: EgressLimits;
  /** The resolvers of names: `203.0.113.53`, `203.0.113.53:5353`. Undefined: the host's. */
  readonly resolvers: readonly string[] | undefined;
}

/**
 * How Ward treats a runtime with known holes: `warn` reports them; `refuse-open` starts no sandbox when Ward has no
 * answer to one; `refuse` starts none when there is any.
 */
export type RuntimeAdvisoryPolicy = 'warn' | 'refuse-open' | 'refuse';

export interface SandboxPolicy {
  readonly runtime: RuntimeName;
  /** Memory with page cache and tmpfs, without swap. */
  readonly memoryBytes: number;
  /** Processor time per second of wall clock: 0.5 is half of one processor. */
  readonly cpus: number;
  /** Share under contention, 1 to 10000, on the scale of cgroup v2; 100 is an equal share. */
  readonly cpuWeight: number;
  /** Processes and threads. */
  readonly pidsLimit: number;
  /** Undefined: no limit and no weight. */
  readonly io: IoPolicy | undefined;
  readonly rootReadonly: boolean;
  /** The writable places, in memory. */
  readonly tmpfs: readonly TmpfsPolicy[];
  /** Capabilities kept (`CAP_CHOWN`), inside the sandbox's own user namespace. Normally none. */
  readonly capabilities: readonly string[];
  readonly seccomp: 'strict' | SeccompProfile;
  readonly noNewPrivileges: boolean;
  /** `RLIMIT_NOFILE` → the soft and hard limit. NPROC and FSIZE follow from the rest unless they are named. */
  readonly rlimits: Readonly<Record<string, number>>;
  readonly hostname: string;
  /** Undefined: nowhere, and no network device but lo. */
  readonly egress: EgressPolicy | undefined;
  /** Hidden where /proc can't be reduced to processes. */
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  /** Undefined applies no Landlock. Writable tmpfs needs no rule of its own. */
  readonly landlock: readonly LandlockRule[] | undefined;
  /**
   * `auto`: Ward's own profile where the host has AppArmor. Another name is a profile that must be loaded, or no
   * sandbox starts. Undefined: none.
   */
  readonly apparmorProfile: string | undefined;
  /**
   * A process label; `auto` is the stock one where SELinux enforces and knows it. Naming another requires SELinux
   * to enforce it. Without categories (`…:container_t:s0`) each sandbox gets a pair of its own. Undefined: none.
   */
  readonly selinuxLabel: string | undefined;
  /**
   * Whether writable memory can be run later, which compilers at run time need. `by-kind`: not for functions in
   * languages without such a compiler.
   */
  readonly writeExecute: 'by-kind' | 'allowed' | 'refused';
  /** No other sandbox runs on the same processor core at the same time, where cores have several threads. */
  readonly coreScheduling: boolean;
  /** The processor speculates less for it, where the kernel lets processes choose. */
  readonly speculationControl: boolean;
  /** Ids inside the sandbox; outside they are in a range that belongs to this sandbox alone. */
  readonly uid: number;
  readonly gid: number;
  /** -1000 to 1000: how eagerly the kernel picks it when the whole machine runs out of memory. */
  readonly oomScoreAdj: number;
  /** What is done about a runtime with known holes. */
  readonly runtimeAdvisories: RuntimeAdvisoryPolicy;
  /** Mechanisms without which no sandbox starts (POLICY_NOT_MET). */
  readonly required: readonly Mechanism[];
}

const MiB = 1024 * 1024;

const pathLists = z
  .strictObject({ masked: z.array(z.string()), readonly: z.array(z.string()) })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../../policies/paths.json'), 'utf8')));

/**
 * The mechanisms that are required by default. Ward uses the others where the host has them; `ward doctor` reports
 * them.
 */
const requiredByDefault: readonly Mechanism[] = [
  'memory-limit',
  'cpu-limit',
  'pids-limit',
  'tmpfs-limit',
  'resource-limits',
  'freezer',
  'user-namespace',
  'pid-namespace',
  'mount-namespace',
  'ipc-namespace',
  'uts-namespace',
  'cgroup-namespace',
  'network-namespace',
  'seccomp',
  'no-capabilities',
  'no-new-privileges',
  'read-only-root',
  'minimal-dev',
  'hidden-proc',
  'host-isolation',
];

/** The default: every mechanism on, 256 MiB, one processor, /tmp and /dev/shm as the only writable places. */
export const strictPolicy: SandboxPolicy = Object.freeze<SandboxPolicy>({
  runtime: 'crun',
  memoryBytes: 256 * MiB,
  cpus: 1,
  cpuWeight: 100,
  pidsLimit: 128,
  // A sandbox writes to memory only; the only load on a disk is to read its image past the page cache.
  io: { weight: 100, readBytesPerSecond: 512 * MiB, writeBytesPerSecond: 64 * MiB },
  rootReadonly: true,
  tmpfs: [
    { path: '/tmp', sizeBytes: 64 * MiB, inodes: 4096, exec: false },
    { path: '/dev/shm', sizeBytes: 16 * MiB, inodes: 256, exec: false },
  ],
  capabilities: [],
  seccomp: 'strict',
  noNewPrivileges: true,
  rlimits: {
    RLIMIT_NOFILE: 1024,
    // Like 0, it allows no file; but only for 1 does the kernel start no handler of core dumps (core(5)).
    RLIMIT_CORE: 1,
    RLIMIT_MEMLOCK: 0,
    RLIMIT_MSGQUEUE: 0,
    // The kernel also counts them for the host's root, over all sandboxes together.
    RLIMIT_SIGPENDING: 64,
    RLIMIT_RTPRIO: 0,
    RLIMIT_NICE: 0,
    RLIMIT_STACK: 8 * MiB,
    RLIMIT_LOCKS: 64,
  },
  hostname: 'sandbox',
  egress: undefined,
  maskedPaths: pathLists.masked,
  readonlyPaths: pathLists.readonly,
  landlock: [
    { access: 'read', path: '/' },
    { access: 'device', path: '/dev' },
  ],
  apparmorProfile: 'auto',
  selinuxLabel: 'auto',
  writeExecute: 'by-kind',
  coreScheduling: true,
  speculationControl: true,
  uid: 1000,
  gid: 1000,
  oomScoreAdj: 500,
  runtimeAdvisories: 'refuse-open',
  required: requiredByDefault,
});

/** All resource limits, including those that follow from other settings. */
export function rlimitsOf({ rlimits, pidsLimit, tmpfs }: SandboxPolicy): Readonly<Record<string, number>> {
  return {
    // A second limit behind `pidsLimit`, which the kernel counts per user of the sandbox's own user namespace.
    RLIMIT_NPROC: 2 * pidsLimit,
    // No file can be larger than the place that holds it.
    RLIMIT_FSIZE: Math.max(MiB, ...tmpfs.map(({ sizeBytes }) => sizeBytes)),
    ...rlimits,
  };
}
