/**
 * The system user of the server, created by the set-up (`scripts/setup/account.mjs`). It owns only Ward's data, so an
 * account that belongs to a person, or is root, is refused.
 */
import { runCommand } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';

export interface ServerAccount {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export const accountName = 'ward';

/** The command that the set-up would run. */
const creation =
  'useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin ward';

/** @throws Fault SERVER_ACCOUNT_MISSING, SERVER_ACCOUNT_UNFIT */
export async function serverAccount(): Promise<ServerAccount> {
  const [user, group] = await Promise.all([entryOf('passwd'), entryOf('group')]);
  if (user === undefined) {
    throw serverFault(
      'SERVER_ACCOUNT_MISSING',
      `the system user ${accountName}, which runs the server, is missing`,
      {
        hint: creation,
      },
    );
  }
  return parseAccount(user, group);
}

export async function accountIsThere(): Promise<boolean> {
  return (await entryOf('passwd')) !== undefined;
}

/**
 * @param user its line of passwd(5)
 * @param group the line of group(5) with the same name, if any
 * @throws Fault SERVER_ACCOUNT_UNFIT
 */
export function parseAccount(user: string, group: string | undefined): ServerAccount {
  const [name = '', , uid, gid, , , shell = ''] = user.split(':');
  const account = { name, uid: idOf(uid), gid: idOf(gid) };
  if (account.uid === 0 || account.gid === 0) throw unfit(name, 'has the rights of root');
  // An empty shell means /bin/sh: passwd(5).
  if (!/\/(?:nologin|false)$/.test(shell)) throw unfit(name, 'can log in, so it may belong to a person');
  if (idOf(group?.split(':')[2]) !== account.gid) throw unfit(name, 'has no main group with the same name');
  return account;
}

function idOf(text: string | undefined): number {
  return /^\d{1,10}$/.test(text ?? '') ? Number(text) : 0;
}

/** Uses libc's own look-up, which knows directories other than the files in /etc. */
async function entryOf(database: 'passwd' | 'group'): Promise<string | undefined> {
  const { code, stdout } = await runCommand(['getent', database, accountName], { timeoutMs: 10_000 });
  if (code === 0) return stdout.split('\n')[0];
  // Its exit code for a name that does not exist.
  if (code === 2) return undefined;
  throw serverFault('SERVER_ACCOUNT_MISSING', `getent ${database} ${accountName} failed`, {
    hint: 'check that getent works on this machine',
  });
}

function unfit(name: string, why: string) {
  return serverFault('SERVER_ACCOUNT_UNFIT', `the user ${name}, which would run the server, ${why}`, {
    hint: `rename it, then: ${creation}`,
  });
}
