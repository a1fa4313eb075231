/**
 * The system user and group that the server runs as: no home, no password, no shell to log in with. It owns Ward's data
 * and nothing else. `src/server/instance/account.ts` looks it up; `ward uninstall` removes it.
 */
import { probe, runLogged } from './process.mjs';

export const accountName = 'ward';

/** What is there under the name is left as it is; the server says when it is not fit. */
export async function accountIsThere() {
  return (await probe(['getent', 'passwd', accountName])).code === 0;
}

/**
 * What a person would type.
 * @param {{hasGroup: boolean}} options whether the group is there already
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
 * By useradd, or by systemd-sysusers where that is all there is.
 * @param {readonly string[]} prefix words that make a command run as root
 * @param {string} log
 */
export async function createAccount(prefix, log) {
  // By way of env, which tells a program that is missing from one that failed, also behind sudo.
  const asRoot = [...prefix, 'env'];
  const hasUseradd = (await probe([...asRoot, 'useradd', '--help'])).code === 0;
  const line = `u ${accountName} - "Ward" /nonexistent /usr/sbin/nologin`;
  const argv = hasUseradd
    ? creationCommand({ hasGroup: await groupIsThere() }).split(' ')
    : ['systemd-sysusers', '--inline', line];
  await runLogged([...asRoot, ...argv], { log, canEnd: false });
}
