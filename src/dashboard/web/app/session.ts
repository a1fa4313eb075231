/** Who is logged in. The token is in a cookie that no script reads. */

import { signal } from '@preact/signals';
import type { Right, Session } from '../../../answers/index.ts';
import { ApiError, call, sessionEnds, sessionPath } from '../api/client.ts';
import { forgetAllDrafts, hasDrafts } from '../api/drafts.ts';
import { tell } from '../components/messages.ts';
import { failedLogin } from './failed-login.ts';
import { goTo, linkTo, place, root } from './router.ts';

export type SessionState =
  | { readonly is: 'asked' }
  /** `error`: of the last try to log in. */
  | { readonly is: 'none'; readonly why: string; readonly error: unknown }
  | { readonly is: 'failed'; readonly error: unknown }
  | {
      readonly is: 'open';
      readonly session: Session;
      /** By this browser's clock, in epoch milliseconds. */
      readonly endsAt: number | undefined;
    };

export const sessionState = signal<SessionState>({ is: 'asked' });

const loginPage = 'login';
const ended = 'Your session has ended. Log in again to go on where you were.';
const operatorEnded = 'Your session as an operator has ended. The one of your key goes on.';
const keyEnded = 'The session of your key has ended. The one as an operator goes on.';
const endedState: SessionState = { is: 'none', why: ended, error: undefined };
const dropped =
  'The browser did not keep the session. It does so only over HTTPS, or at http://localhost and http://127.0.0.1: ' +
  'reach Ward through one of these, for example with ssh -L 3233:127.0.0.1:3233 HOST.';

/** Uses up the one-time login in the address, if there is one, and finds out who is logged in. */
export async function startSession(): Promise<void> {
  const { parts, query } = place.peek();
  const failed = parts[0] === loginPage ? query.get('failed') : null;
  const login = takeOneTimeLogin();
  if (login === undefined) {
    return await loadSession('', failed === null ? undefined : failedLogin(failed));
  }
  try {
    await logIn({ login });
  } catch (error) {
    sessionState.value = { is: 'none', why: '', error };
  }
}

/**
 * @param absent what to say when there is no session
 * @param failure of a login, to show in that case
 */
async function loadSession(absent = '', failure?: ApiError): Promise<void> {
  try {
    const session = await call<Session>('GET', sessionPath);
    const isOpen = session.namespace !== null || session.operator;
    // Before the shell shows anything: it leads from the root to the first page.
    if (isOpen) returnToPage();
    sessionState.value = isOpen ? opened(session) : { is: 'none', why: absent, error: failure };
    if (isOpen) arrivals().postMessage('session');
  } catch (error) {
    sessionState.value = { is: 'failed', error };
  }
}

function opened(session: Session): SessionState {
  return { is: 'open', session, endsAt: session.leftMs === null ? undefined : Date.now() + session.leftMs };
}

/** Tabs tell each other here that one has found a session. */
export function arrivals(): BroadcastChannel {
  return new BroadcastChannel('ward-session');
}

/** Takes a session that began in another tab. One of another namespace needs the page anew. */
export async function takeNewSession(): Promise<void> {
  const session = await call<Session>('GET', sessionPath);
  if (session.namespace === currentSession()?.namespace) sessionState.value = opened(session);
  else reloadWithDrafts();
}

function reloadWithDrafts(): void {
  window.removeEventListener('beforeunload', askBeforeLoss);
  window.location.reload();
}

/** Makes the browser ask before the tab is closed with unsaved texts. */
export function guardDrafts(): void {
  window.addEventListener('beforeunload', askBeforeLoss);
}

function askBeforeLoss(event: BeforeUnloadEvent): void {
  if (hasDrafts()) event.preventDefault();
}

/** @throws ApiError */
export async function logIn(given: { readonly key: string } | { readonly login: string }): Promise<void> {
  await call('POST', '/console/session', { body: given });
  await loadSession(dropped);
}

/** Where the person was before leaving for the issuer. It comes from this browser, never from an address. */
const returnKey = 'ward-return';

/** `anew`: the issuer shall not take an earlier login of its own. `beside`: in another tab. */
export type IssuerVisit = 'usual' | 'anew' | 'beside';

/** Leaves this page, if not `beside`. @throws ApiError */
export async function leaveForIssuer(issuer: string, visit: IssuerVisit): Promise<void> {
  const body = { issuer, anew: visit === 'anew' };
  const { url } = await call<{ readonly url: string }>('POST', '/console/session/issuer', { body });
  if (visit === 'beside') {
    window.open(url, '_blank', 'noopener');
    return;
  }
  const { pathname, search } = window.location;
  sessionStorage.setItem(returnKey, pathname + search);
  // The issuer leads back to this tab, which keeps its drafts.
  window.removeEventListener('beforeunload', askBeforeLoss);
  window.location.assign(url);
}

function returnToPage(): void {
  const link = sessionStorage.getItem(returnKey);
  if (link === null) return;
  sessionStorage.removeItem(returnKey);
  if (place.peek().parts.length === 0 && link.startsWith(root)) goTo(link, 'replace');
}

/** @param namespace null: none, only as an operator. @throws ApiError */
export async function chooseNamespace(namespace: string | null): Promise<void> {
  await call('POST', '/console/session/choice', { body: { namespace } });
  await loadSession(dropped);
}

/** Removes it from the address at once, so that it stays in no history. */
function takeOneTimeLogin(): string | undefined {
  const login = window.location.hash.slice(1);
  if (place.peek().parts[0] !== loginPage) return undefined;
  goTo(linkTo([]), 'replace');
  return login === '' ? undefined : login;
}

/** Whether the reader wants to log out, and still has to say that unsaved texts may go. */
export const isAskedToLogOut = signal(false);

/**
 * Asks before it throws unsaved texts away.
 * @param isEverywhere also in all other browsers, and on all machines: who wants that was asked already
 * @throws ApiError
 */
export async function logOut(isEverywhere = false): Promise<void> {
  if (isEverywhere || !hasDrafts()) await logOutNow(isEverywhere);
  else isAskedToLogOut.value = true;
}

/** Unsaved texts of this tab go. @throws ApiError */
export async function logOutNow(isEverywhere = false): Promise<void> {
  await call('DELETE', `/console/session${isEverywhere ? '?everywhere=true' : ''}`);
  forgetAllDrafts();
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

/** Whether the pages of a namespace's functions and runs open: they are of the namespace of the key. */
export function mayOpenPagesOf(namespace: string): boolean {
  return may('read') && currentSession()?.namespace === namespace;
}

let isAsking = false;

sessionEnds.subscribe((count) => {
  if (count > 0 && !isAsking && sessionState.peek().is === 'open') void askWhatIsLeft();
});

/** Goes on with the session that this browser still has. */
async function askWhatIsLeft(): Promise<void> {
  isAsking = true;
  try {
    const session = await call<Session>('GET', sessionPath);
    const before = currentSession();
    if (before === undefined) return;
    // Another tab has logged in elsewhere: what is open must not mix with it.
    if (session.namespace !== null && session.namespace !== before.namespace) return reloadWithDrafts();
    if (session.namespace === null && !session.operator) sessionState.value = endedState;
    else sessionState.value = opened(session);
    if (session.namespace !== null && before.operator && !session.operator) tell(operatorEnded);
    if (session.operator && before.namespace !== null && session.namespace === null) tell(keyEnded);
  } catch (error) {
    // Without an answer the next refusal asks again.
    if (error instanceof ApiError && error.status === 401) sessionState.value = endedState;
  } finally {
    isAsking = false;
  }
}
