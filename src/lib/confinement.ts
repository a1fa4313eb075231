/**
 * Starts a program that reads hostile data with as few rights as possible, in case it is compromised: no capability
 * and no way to get one, no network, a user id that owns no file, and few places to write to. Rights that the starter
 * can't remove on this host stay; an unprivileged caller has none to drop. Sources: capabilities(7), landlock(7),
 * seccomp(2), setpriv(1), unshare(1).
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from './command.ts';
import { Fault } from './fault.ts';
import { type CallRights, systemCallFilterPath } from './system-call-filter.ts';

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** The kinds of confinement that this host and caller allow. */
interface Abilities {
  /** The caller may become another user. */
  readonly canBecome: boolean;
  readonly canDropCapabilities: boolean;
  readonly canUnshare: boolean;
  readonly hasLandlock: boolean;
  /** Filter of system calls. */
  readonly hasFilter: boolean;
}

export interface Confinement extends Partial<CallRights> {
  /** Undefined: the caller's. */
  readonly as?: UserIds | undefined;
  /** Folder that it can write to; undefined: none. Enforced by Landlock. */
  readonly writable?: string | undefined;
  /** Folders that it can read, even if their modes forbid it; of all others only what programs need. Needs Landlock. */
  readonly reads?: readonly string[] | undefined;
  /** It can neither see nor signal other processes, and leaves none behind. The started process is then its parent. */
  readonly hasOwnPids?: boolean | undefined;
}

const setpriv = '/usr/bin/setpriv';
const capabilities = { setgid: 6, setuid: 7, setpcap: 8, sysAdmin: 21 };
const reading = 'execute,read-file,read-dir';
const writing = 'write-file,truncate,make-reg,make-dir,make-sym,make-char,remove-file,remove-dir,refer';
const landlock = ['--landlock-access', 'fs'];
/** Programs of Ward, and the Node that runs it. */
const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const programFolders = ['/usr', '/lib', '/lib64', '/proc/self', dirname(process.execPath), packageRoot];
const programFiles = ['/etc/ld.so.cache', '/etc/ssl/openssl.cnf', '/dev/null', '/dev/urandom'];
/**
 * Windows of sandboxes (`sandbox/uid-ranges.ts`) end below; the last ids mean "nobody" and "no id" to some programs.
 */
const firstUnownedId = 2 ** 32 - 2 ** 26;
const unownedIds = 2 ** 26 - 2 ** 17;
/** The user and group of scan processes: they own only what they compiled. */
export const scanId = firstUnownedId + unownedIds;

let finding: Promise<Abilities> | undefined;

/**
 * Probes once. @throws errors of the file system if no temporary file can be created; then the next call probes again
 */
export function findAbilities(): Promise<Abilities> {
  finding ??= lookForAbilities().catch((error: unknown) => {
    finding = undefined;
    throw error;
  });
  return finding;
}

/** A user id that owns no file and no process: one of 67 million that no distribution and no sandbox uses. */
export function unownedId(): number {
  // Loaded on demand: most commands don't need it.
  return firstUnownedId + process.getBuiltinModule('node:crypto').randomInt(unownedIds);
}

/** The words before those of the program. The process id stays the same unless `hasOwnPids`. */
export function confine(
  { as, writable, reads, hasOwnPids = false, startsProcesses = false, opensSockets = false }: Confinement,
  { canBecome, canDropCapabilities, canUnshare, hasLandlock, hasFilter }: Abilities,
): readonly string[] {
  const readsAlone = reads !== undefined && hasLandlock && canDropCapabilities;
  const kept = readsAlone ? '-all,+dac_read_search' : '-all';
  const rule = (rights: string, path: string) => ['--landlock-rule', `path-beneath:${rights}:${path}`];
  const readable = readsAlone
    ? [
        ...programFiles.filter((path) => existsSync(path)).flatMap((path) => rule('read-file', path)),
        ...[...programFolders, ...reads]
          .filter((path) => existsSync(path))
          .flatMap((path) => rule(reading, path)),
      ]
    : rule(reading, '/');
  return [
    // The parent also ends with the caller, and the program with the parent.
    ...(canUnshare && hasOwnPids ? [setpriv, '--pdeathsig', 'KILL', '--'] : []),
    ...(canUnshare ? ['/usr/bin/unshare', '--net'] : []),
    ...(canUnshare && hasOwnPids ? ['--pid', '--fork', '--kill-child'] : []),
    ...(canUnshare ? ['--'] : []),
    // Opens the filter while it still runs as the caller's user, and before Landlock hides it.
    ...(hasFilter ? filtered({ startsProcesses, opensSockets }) : []),
    // Opens these folders while it can still pass through their parents.
    ...(hasLandlock ? [setpriv, '--no-new-privs', ...landlock, ...readable] : []),
    ...(hasLandlock && writable !== undefined ? rule(writing, writable) : []),
    ...(hasLandlock ? ['--'] : []),
    ...[setpriv, '--pdeathsig', 'KILL', '--no-new-privs'],
    ...(canBecome && as !== undefined
      ? ['--reuid', `${as.uid}`, '--regid', `${as.gid}`, '--clear-groups']
      : []),
    ...(canDropCapabilities
      ? [`--inh-caps=${kept}`, `--ambient-caps=${kept}`, `--bounding-set=${kept}`]
      : []),
    '--',
  ];
}

function filtered(rights: CallRights): readonly string[] {
  return [setpriv, '--no-new-privs', '--seccomp-filter', systemCallFilterPath(rights), '--'];
}

/**
 * Lets the user read Ward's own programs, in a checkout that is closed to other users.
 * @param as the user that runs `program`
 * @returns `reads` for `confine`; undefined where it is not needed
 * @throws Fault PROGRAM_UNREADABLE
 */
export async function readingPrograms(
  as: UserIds | undefined,
  program: string,
): Promise<readonly string[] | undefined> {
  const abilities = await findAbilities();
  if (as === undefined || !abilities.canBecome) return undefined;
  const test = ['/usr/bin/test', '-r', program, '-a', '-x', process.execPath];
  if (await works([...confine({ as }, abilities), ...test])) return undefined;
  if (abilities.hasLandlock && abilities.canDropCapabilities) return [];
  throw new Fault('PROGRAM_UNREADABLE', 'host', `a user without rights can't read ${program}`, {
    hint: `Let every user pass through the folders above ${packageRoot} (chmod o+x), or install Ward where they can.`,
  });
}

async function lookForAbilities(): Promise<Abilities> {
  const held = heldCapabilities();
  const id = `${firstUnownedId}`;
  const [hasLandlock, hasFilter, canBecome] = await Promise.all([
    works([setpriv, ...landlock, '--landlock-rule', `path-beneath:${reading}:/`, '--', '/bin/true']),
    works([...filtered({ startsProcesses: false, opensSockets: false }), '/bin/true']),
    held.has(capabilities.setuid) && held.has(capabilities.setgid)
      ? works([setpriv, '--reuid', id, '--regid', id, '--clear-groups', '--', '/bin/true'])
      : false,
  ]);
  return {
    canBecome,
    canDropCapabilities: held.has(capabilities.setpcap),
    canUnshare: held.has(capabilities.sysAdmin),
    hasLandlock,
    hasFilter,
  };
}

/** By number. */
function heldCapabilities(): ReadonlySet<number> {
  const effective = /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const bits = BigInt(`0x${effective}`);
  return new Set(Object.values(capabilities).filter((number) => (bits >> BigInt(number)) & 1n));
}

async function works(argv: readonly string[]): Promise<boolean> {
  const result = await runCommand(argv).catch(() => undefined);
  return result?.code === 0;
}
