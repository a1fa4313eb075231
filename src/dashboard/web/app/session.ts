/** Who is logged in. The token is in a cookie that no script reads. */
import { signal } from '@preact/signals';
import { call, sessionEnds } from '../api/client.ts';
import type { Right, Session } from '../api/types.ts';
import { goTo, linkTo, place } from './router.ts';

export type SessionState =
  | { readonly is: 'asked' }
  /** `error`: of the last try to log in. */
  | { readonly is: 'none'; readonly why: string; readonly error: unknown }
  | { readonly is: 'failed'; readonly error: unknown }
  | { readonly is: 'open'; readonly session: Session };

export const sessionState = signal<SessionState>({ is: 'asked' });

const loginPage = 'login';
const ended = 'Your session has ended. Log in again to go on where you were.';
const dropped =
  'The browser did not keep the session. It does so only over HTTPS, or at http://localhost and http://127.0.0.1: ' +
  'reach Ward through one of these, for example with ssh -L 3233:127.0.0.1:3233 HOST.';

/** Uses up the one-time login in the address, if there is one, and finds out who is logged in. */
export async function startSession(): Promise<void> {
  const login = takeOneTimeLogin();
  if (login === undefined) return await loadSession();
  try {
    await logIn({ login });
  } catch (error) {
    sessionState.value = { is: 'none', why: '', error };
  }
}

/** @param absent what to say when there is no session */
async function loadSession(absent = ''): Promise<void> {
  try {
    const session = await call<Session>('GET', '/ward/v1/session');
    const isOpen = session.namespace !== null || session.operator;
    sessionState.value = isOpen ? { is: 'open', session } : { is: 'none', why: absent, error: undefined };
  } catch (error) {
    sessionState.value = { is: 'failed', error };
  }
}

/** @throws ApiError */
export async function logIn(given: { readonly key: string } | { readonly login: string }): Promise<void> {
  await call('POST', '/console/session', { body: given });
  await loadSession(dropped);
}

/** Removes it from the address at once, so that it stays in no history. */
function takeOneTimeLogin(): string | undefined {
  const login = window.location.hash.slice(1);
  if (place.peek().parts[0] !== loginPage) return undefined;
  goTo(linkTo([]), 'replace');
  return login === '' ? undefined : login;
}

/** @throws ApiError */
export async function logOut(): Promise<void> {
  await call('DELETE', '/console/session');
  sessionState.value = { is: 'none', why: '', error: undefined };
}

export function currentSession(): Session | undefined {
  const state = sessionState.value;
  return state.is === 'open' ? state.session : undefined;
}

/** What a page or a button needs. `operator`: an operator's session; a right: a key that has it. */
export type Need = Right | 'operator' | 'read-or-operator' | 'anything';

export function may(need: Need): boolean {
  const session = currentSession();
  if (session === undefined) return false;
  if (need === 'anything') return true;
  if (need === 'read-or-operator') return session.operator || session.rights.includes('read');
  return need === 'operator' ? session.operator : session.rights.includes(need);
}

sessionEnds.subscribe((count) => {
  if (count > 0 && sessionState.peek().is === 'open')
    sessionState.value = { is: 'none', why: ended, error: undefined };
});
