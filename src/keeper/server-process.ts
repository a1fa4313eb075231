/**
 * How the keeper starts the server: under its own user, without a capability or a way to gain one, and confined by
 * Landlock and a system call filter where the host has them. Sources: setpriv(1), capabilities(7), landlock(7),
 * seccomp(2).
 */
import { statSync } from 'node:fs';
import { runCommand } from '../lib/index.ts';
import { keeperDescriptor } from './link.ts';

export interface ServerProcessPlan {
  readonly uid: number;
  readonly gid: number;
  /** Whether it listens on a port below 1024. */
  readonly hasLowPort: boolean;
  /** Files and folders that it may read and execute. */
  readonly readable: readonly string[];
  /** Folders that it may change. */
  readonly writable: readonly string[];
  /** Existing files, and files below folders, that it may write to but not create or remove. */
  readonly adjustable: readonly string[];
  /** A compiled system call filter. */
  readonly filterFile: string;
  readonly argv: readonly string[];
}

/** Further walls that this host's setpriv can build. */
export interface ServerWalls {
  readonly landlock: boolean;
  readonly seccomp: boolean;
}

const setpriv = '/usr/bin/setpriv';
const reading = ['execute', 'read-file', 'read-dir'];
const making = ['make-reg', 'make-dir', 'make-sock', 'make-sym', 'remove-file', 'remove-dir', 'refer'];
const changing = [...reading, 'write-file', 'truncate', ...making];
const adjusting = ['read-file', 'read-dir', 'write-file', 'truncate'];
/** Rights that a rule for a file, as opposed to a folder, may name. */
const ofFiles: ReadonlySet<string> = new Set(['execute', 'read-file', 'write-file', 'truncate']);

/** Never throws. @param filterFile An existing filter. */
export async function findWalls(filterFile: string): Promise<ServerWalls> {
  const works = async (...flags: readonly string[]) => {
    const result = await runCommand([setpriv, ...flags, '--', '/bin/true']).catch(() => undefined);
    return result?.code === 0;
  };
  const rule = `path-beneath:${reading.join(',')}:/`;
  return {
    landlock: await works('--no-new-privs', '--landlock-access', 'fs', '--landlock-rule', rule),
    seccomp: await works('--no-new-privs', '--seccomp-filter', filterFile),
  };
}

export function serverArgv(plan: ServerProcessPlan, walls: ServerWalls): string[] {
  const { uid, gid, hasLowPort, filterFile, argv } = plan;
  const kept = hasLowPort ? '-all,+net_bind_service' : '-all';
  return [
    ...[setpriv, '--reuid', String(uid), '--regid', String(gid), '--clear-groups', '--no-new-privs'],
    ...[`--inh-caps=${kept}`, `--ambient-caps=${kept}`, `--bounding-set=${kept}`, '--pdeathsig', 'KILL'],
    ...(walls.landlock ? landlockFlags(plan) : []),
    ...(walls.seccomp ? ['--seccomp-filter', filterFile] : []),
    '--',
    ...argv,
  ];
}

function landlockFlags({ readable, writable, adjustable }: ServerProcessPlan): string[] {
  const rules = (rights: readonly string[], paths: readonly string[]) =>
    paths.flatMap((path) => {
      const stats = statSync(path, { throwIfNoEntry: false });
      if (stats === undefined) return [];
      const held = stats.isDirectory() ? rights : rights.filter((right) => ofFiles.has(right));
      return ['--landlock-rule', `path-beneath:${held.join(',')}:${path}`];
    });
  return [
    ...['--landlock-access', 'fs'],
    ...[...rules(reading, readable), ...rules(changing, writable), ...rules(adjusting, adjustable)],
  ];
}

/** Marks the process as the server. */
export const serverMark = { WARD_KEEPER: String(keeperDescriptor) } as const;

export function isServer(env: NodeJS.ProcessEnv = process.env): boolean {
  return env['WARD_KEEPER'] === serverMark.WARD_KEEPER;
}
