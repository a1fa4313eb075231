/**
 * Checks what this process must be able to do before Ward makes anything. Without the check, each sandbox would fail by
 * itself, with a message of the OCI runtime, after Ward had said that it is ready.
 */
import { accessSync, constants, readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { formatSize, messageOf } from '../../lib/index.ts';
import { sandboxFault } from '../faults.ts';
import { cgroupFeatures } from './inspect.ts';
import { readMounts } from './mounts.ts';
import { ownMemory } from './own-memory.ts';

/** The capabilities that Ward needs, with their numbers and reasons (capabilities(7)). */
const neededCapabilities: Readonly<Record<string, readonly [bit: bigint, use: string]>> = {
  CAP_CHOWN: [0n, 'give files to the users of sandboxes'],
  CAP_DAC_OVERRIDE: [1n, 'write files of the users of sandboxes'],
  CAP_FOWNER: [3n, 'change files of the users of sandboxes'],
  CAP_KILL: [5n, 'end programs of sandboxes'],
  CAP_SETGID: [6n, 'map group ids of sandboxes'],
  CAP_SETUID: [7n, 'map user ids of sandboxes'],
  CAP_SETPCAP: [8n, 'drop capabilities in sandboxes'],
  CAP_NET_ADMIN: [12n, 'set up networks of sandboxes'],
  CAP_SYS_CHROOT: [18n, 'enter mount namespaces'],
  CAP_SYS_PTRACE: [19n, 'find the namespaces of sandboxes'],
  CAP_SYS_ADMIN: [21n, 'make namespaces and mounts'],
  CAP_SETFCAP: [31n, 'map user id 0 of sandboxes'],
};

export interface HostState {
  /** `/proc/self/status` */
  readonly status: string;
  /** `/proc/self/limits` */
  readonly limits: string;
  /** Places where control groups can't be made, with the reason. */
  readonly closedGroups: readonly string[];
  /** The memory that this process's own control group, or the machine, allows. */
  readonly memoryBytes: number;
}

/** The memory that the process and its children need. */
export interface Needs {
  /** Descriptors. */
  readonly openFiles: number;
  readonly memoryBytes?: number;
}

/**
 * Checks a process of root.
 * @throws Fault HOST_UNFIT naming everything that is missing
 */
export function checkFitness(needs: Needs, state: HostState = readHostState()): void {
  const missing = shortcomings(needs, state);
  if (missing.length === 0) return;
  throw sandboxFault(
    'HOST_UNFIT',
    `Ward can't run sandboxes here: ${missing.map(({ what }) => what).join('; ')}`,
    {
      hint: [...new Set(missing.map(({ hint }) => hint))].join('; '),
    },
  );
}

interface Shortcoming {
  readonly what: string;
  readonly hint: string;
}

function shortcomings(
  { openFiles, memoryBytes: needed = 0 }: Needs,
  { status, limits, closedGroups, memoryBytes }: HostState,
): Shortcoming[] {
  const allowed = openFilesIn(limits);
  return [
    ...missingCapabilities(status).map((what) => ({
      what,
      hint: 'run Ward as root with all capabilities: no CapabilityBoundingSet in the unit, no --cap-drop',
    })),
    ...closedGroups.map((what) => ({
      what,
      hint: 'mount the control groups writable: no ProtectControlGroups in the unit',
    })),
    ...(allowed >= openFiles
      ? []
      : [
          {
            what: `this process may have ${allowed} files open, and needs ${openFiles}`,
            hint: `raise the hard limit: ulimit -Hn ${openFiles}, or LimitNOFILE=65536 in the unit`,
          },
        ]),
    ...(memoryBytes >= needed
      ? []
      : [
          {
            what: `its control group allows ${formatSize(memoryBytes)} of memory, and Ward's own processes need ${formatSize(needed)}`,
            hint: `allow at least ${formatSize(needed)}: MemoryMax in the unit, or --memory of the container`,
          },
        ]),
  ];
}

function missingCapabilities(status: string): string[] {
  const held = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (held === undefined) return [];
  const bits = BigInt(`0x${held}`);
  return Object.entries(neededCapabilities)
    .filter(([, [bit]]) => ((bits >> bit) & 1n) === 0n)
    .map(([name, [, use]]) => `${name} is missing (to ${use})`);
}

/** Reads the hard limit: Node raises the soft one to it when it starts. */
function openFilesIn(limits: string): number {
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1];
  return hard === undefined ? Number.POSITIVE_INFINITY : Number(hard);
}

function readHostState(): HostState {
  const read = (name: string) => readFileSync(`/proc/self/${name}`, 'utf8');
  const membership = read('cgroup');
  return {
    status: read('status'),
    limits: read('limits'),
    closedGroups: closedGroups(membership),
    memoryBytes: ownMemory(readMounts(), membership)?.limitBytes ?? totalmem(),
  };
}

function closedGroups(membership: string): string[] {
  const roots = new Set(cgroupFeatures(readMounts(), membership).controllers.values());
  return [...roots].flatMap((root) => {
    try {
      accessSync(root, constants.W_OK);
      return [];
    } catch (error) {
      return [`control groups can't be made in ${root} (${messageOf(error).replace(/,.*$/, '')})`];
    }
  });
}
