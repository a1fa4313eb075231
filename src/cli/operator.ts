/** Who uses an operator's command, for the audit log: the user of the machine, also behind sudo(8). */
import { userInfo } from 'node:os';
import type { Actor } from '../lib/index.ts';

export function operatorHere(env: NodeJS.ProcessEnv): Actor {
  const uid = process.getuid?.() ?? 0;
  const caller = uid === 0 ? env['SUDO_UID'] : undefined;
  const isBehindSudo = caller !== undefined && /^\d{1,10}$/.test(caller) && caller !== '0';
  const who = isBehindSudo ? `operator ${caller} by sudo` : `operator ${uid}${nameOf(uid)}`;
  return { who, from: 'local' };
}

function nameOf(uid: number): string {
  try {
    const { username } = userInfo();
    return ` ${username}`;
  } catch {
    // The user of a container can lack a name.
    return uid === 0 ? ' root' : '';
  }
}
