/**
 * Finds the Ward that serves a data folder on this machine, in a way that no other user can fake: its keeper holds a
 * lock in a folder that only root can enter, and its server is a child of that process and runs as the server's user.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { isServer } from '../../keeper/index.ts';
import { mustRun } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';
import { serverAccount } from '../instance/account.ts';
import { instanceName } from '../instance/instance.ts';
import { upLockFile } from '../instance/instance-locks.ts';
import { type ListeningSocket, listeningSocketsOf } from './listening-sockets.ts';

interface RunningWard {
  /** Id in this process's pid namespace. */
  readonly serverPid: number;
  readonly descriptor: number;
  readonly socket: ListeningSocket;
}

const finder = join(import.meta.dirname, 'lock-holder.pl');

/**
 * Undefined when no Ward serves the folder. Call it as root, before this process has namespaces of its own.
 * @param redirectPort where it leads browsers to https: not the socket to take over
 * @throws Fault TAKE_OVER_FAILED
 */
export async function findRunningWard(
  dataDir: string,
  redirectPort: number | undefined,
): Promise<RunningWard | undefined> {
  if (!existsSync(dataDir)) return undefined;
  const lock = upLockFile(instanceName(await realpath(dataDir)));
  if (!existsSync(lock)) return undefined;
  const keeperPid = Number(await mustRun(['/usr/bin/perl', finder, lock]));
  if (keeperPid === 0) return undefined;
  const { uid } = await serverAccount();
  // The kernel shows no id for a process outside of this pid namespace.
  if (keeperPid < 0 || userOf(keeperPid) !== 0) throw refused('its process can’t be seen from here');
  const [serverPid, ...others] = childrenOf(keeperPid).filter(
    (pid) => userOf(pid) === uid && isServer(environmentOf(pid)),
  );
  if (serverPid === undefined || others.length > 0) throw refused('its server is starting or ending');
  const [socket, ...more] = listeningSocketsOf(serverPid).filter(
    ({ address }) => address.port !== redirectPort,
  );
  if (socket === undefined) throw refused('it does not listen yet, or no longer');
  if (more.length > 0) throw refused('it listens on more than one address, which `localhost` often does');
  const { descriptor, ...rest } = socket;
  return { serverPid, descriptor, socket: rest };
}

function refused(why: string) {
  return serverFault('TAKE_OVER_FAILED', `the running Ward can't be taken over: ${why}`, {
    hint: 'it continues undisturbed; try again when it serves, or stop it and start this one without --take-over',
  });
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => statusOf(each, 'PPid') === pid);
}

/** The real user; undefined when the process is gone. */
function userOf(pid: number): number | undefined {
  return statusOf(pid, 'Uid');
}

function statusOf(pid: number, field: 'PPid' | 'Uid'): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(new RegExp(`^${field}:\\t(\\d+)`, 'm').exec(text)?.[1]);
  } catch {
    return undefined;
  }
}

function environmentOf(pid: number): NodeJS.ProcessEnv {
  try {
    const lines = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return Object.fromEntries(
      lines.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]),
    );
  } catch {
    return {};
  }
}
