/**
 * Tells when what let a client in lets it in no more, so that what it has open can end: its key was deleted or has expired, its session
 * has ended, its person was logged out everywhere, on any server. Ward looks when it notices a change of the key, of its namespace or
 * of the session, and when the time of one of them is over. While nothing happens, it does not look.
 */
import type { Changed, Forgetful } from '../entities/changed.ts';
import type { Identity, NamespaceService } from '../namespaces/namespaces.ts';
import { hashOfToken, type SessionOwner, type SessionService } from './sessions.ts';

/** What a client was let in by. */
export interface Credential {
  /** Undefined: it is an operator. */
  readonly identity: Identity | undefined;
  /** Token of its session. Undefined: it sent the key itself. */
  readonly session: string | undefined;
}

/** `unknown`: Ward can't read its database, so it does not see whether the credential has ended. */
export type CredentialEnd = 'ended' | 'unknown';

export interface CredentialWatch extends Forgetful {
  /**
   * Calls once, never before it returns. A credential that has ended already counts.
   * @returns stops it
   */
  watch(credential: Credential, onEnd: (end: CredentialEnd) => void): () => void;
}

interface CredentialWatchOptions {
  readonly namespaces: Pick<NamespaceService, 'expiryOf' | 'createdAt'>;
  readonly sessions: Pick<SessionService, 'leftMs'>;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

/** Looks once for all that is open with the same credential. */
interface Watched {
  readonly listeners: Set<(end: CredentialEnd) => void>;
  readonly isConcerned: (changed: Changed) => boolean;
  /** Undefined: it has ended. */
  readonly leftMs: () => Promise<number | undefined>;
  readonly stop: () => void;
  timer: NodeJS.Timeout | undefined;
}

/** When everything may have changed, other requests must find their way to the database, too. */
const mostLooks = 8;
/** A longer time of a timer overflows. */
const longestTimerMs = 2 ** 31 - 1;

export function createCredentialWatch(options: CredentialWatchOptions): CredentialWatch {
  const all = new Map<string | AbortSignal, Watched>();
  const look = atMost(mostLooks, async (key: string | AbortSignal) => {
    const watched = all.get(key);
    if (watched === undefined) return;
    let end: CredentialEnd = 'ended';
    const leftMs = await watched.leftMs().catch(() => {
      end = 'unknown';
      return undefined;
    });
    if (all.get(key) !== watched) return;
    clearTimeout(watched.timer);
    if (leftMs !== undefined) {
      watched.timer = setTimeout(() => look(key), Math.min(leftMs, longestTimerMs)).unref();
      return;
    }
    drop(key, watched);
    for (const listener of watched.listeners) listener(end);
  });
  const drop = (key: string | AbortSignal, { timer, stop }: Watched) => {
    all.delete(key);
    clearTimeout(timer);
    stop();
  };
  return {
    watch(credential, onEnd) {
      const key = keyOf(credential);
      const watched = all.get(key) ?? watchedOf(credential, options, () => look(key));
      all.set(key, watched);
      // Each has its own, if a caller gives the same one twice.
      const listener = (end: CredentialEnd) => onEnd(end);
      watched.listeners.add(listener);
      // What has changed since the client was let in may have been noticed already.
      look(key);
      return () => {
        watched.listeners.delete(listener);
        if (watched.listeners.size === 0 && all.get(key) === watched) drop(key, watched);
      };
    },
    forget(changed) {
      for (const [key, { isConcerned }] of all) if (changed === undefined || isConcerned(changed)) look(key);
    },
  };
}

function keyOf({ identity, session }: Credential): string | AbortSignal {
  if (session !== undefined) return `${kindOf(identity)} ${hashOfToken(session)}`;
  return identity?.lentUntil ?? identity?.keyId ?? '';
}

function kindOf(identity: Identity | undefined): SessionOwner {
  return identity === undefined ? 'operator' : 'key';
}

function watchedOf(
  { identity, session }: Credential,
  { namespaces, sessions, now = Date.now }: CredentialWatchOptions,
  look: () => void,
): Watched {
  const { lentUntil } = identity ?? {};
  const hash = session === undefined ? undefined : hashOfToken(session);
  const leftOfKey = async ({ namespace, keyId, createdAt }: Identity) => {
    if (lentUntil === undefined) return leftUntil(await namespaces.expiryOf(keyId), now());
    const isThere = !lentUntil.aborted && (await namespaces.createdAt(namespace)) === createdAt;
    return isThere ? Number.POSITIVE_INFINITY : undefined;
  };
  lentUntil?.addEventListener('abort', look);
  return {
    listeners: new Set(),
    isConcerned: (changed) =>
      (identity !== undefined &&
        (changed.namespaces.has(identity.namespace) || changed.keys.has(identity.keyId))) ||
      (hash !== undefined && changed.sessions.has(hash)),
    async leftMs() {
      const ofKey = identity === undefined ? Number.POSITIVE_INFINITY : await leftOfKey(identity);
      if (ofKey === undefined || session === undefined) return ofKey;
      const ofSession = await sessions.leftMs(session, kindOf(identity));
      return ofSession === undefined ? undefined : Math.min(ofKey, ofSession);
    },
    stop: () => lentUntil?.removeEventListener('abort', look),
    timer: undefined,
  };
}

function leftUntil(end: number | undefined, now: number): number | undefined {
  return end === undefined ? undefined : end - now;
}

/** Runs some at a time. What is asked for while it runs, runs once more afterwards. */
function atMost<Key>(most: number, run: (key: Key) => Promise<void>): (key: Key) => void {
  const due = new Set<Key>();
  let running = 0;
  const runAll = async () => {
    running++;
    // A set that is read gives what is added meanwhile, too.
    for (const key of due) {
      due.delete(key);
      await run(key);
    }
    running--;
  };
  return (key) => {
    due.add(key);
    if (running < most) void runAll();
  };
}
