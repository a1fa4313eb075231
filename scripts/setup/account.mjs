/**
 * The system user and group of the server: no home, no password, no log-in shell. It owns only Ward's data.
 * `src/server/instance/account.ts` looks it up; `ward uninstall` removes it.
 */
import { probe, runLogged } from './process.mjs';

export const accountName = 'ward';

/** Leaves an existing account unchanged; the server reports an unfit one. */
export async function accountIsThere() {
  return (await probe(['getent', 'passwd', accountName])).code === 0;
}

/**
 * The command that a user would type.
 * @param {{hasGroup: boolean}} options whether the group exists already
 */
export function creationCommand({ hasGroup }) {
  const group = hasGroup ? `--gid ${accountName}` : '--user-group';
  const home = '--no-create-home --home-dir /nonexistent';
  return `useradd --system ${group} ${home} --shell /usr/sbin/nologin --comment Ward ${accountName}`;
}

export async function groupIsThere() {
  return (await probe(['getent', 'group', accountName])).code === 0;
}

/**
 * Uses useradd, or systemd-sysusers where useradd is missing.
 * @param {readonly string[]} prefix words that make a command run as root
 * @param {string} log
 */
export async function createAccount(prefix, log) {
  // Uses env, whose exit code tells a missing program from a failed one, also behind sudo.
  const asRoot = [...prefix, 'env'];
  const hasUseradd = (await probe([...asRoot, 'useradd', '--help'])).code === 0;
  const line = `u ${accountName} - "Ward" /nonexistent /usr/sbin/nologin`;
  const argv = hasUseradd
    ? creationCommand({ hasGroup: await groupIsThere() }).split(' ')
    : ['systemd-sysusers', '--inline', line];
  await runLogged([...asRoot, ...argv], { log, canEnd: false });
}
