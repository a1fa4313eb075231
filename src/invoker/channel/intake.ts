/**
 * Back-pressure on what sandboxes send. Ward's main thread processes logs and results, and has other work to do. Each
 * namespace may use only a share of that thread's processor time. A namespace that exceeds it is held back until it
 * has made up for the excess: its logs are not read, so its programs wait for a full pipe, and no further call of it
 * begins. Only that namespace slows down. Time is charged, not bytes, because a mebibyte of brackets costs fifty
 * times as much as a mebibyte of text. Results are still read, because their time limits go on.
 *
 * Small messages are free: the call's admission pays for an answer of some hundred bytes.
 */
import type { Readable } from 'node:stream';

export interface Intake {
  /** Pauses the stream while the namespace is held back. */
  hold(stream: Readable): void;
  /** Runs `handle` and charges its time to the namespace. */
  take(handle: () => void): void;
  /**
   * Charges the namespace for all work until this callback of the event loop returns. For work that cannot be
   * wrapped.
   */
  takeTurn(): void;
}

export interface Intakes {
  of(namespace: string): Intake;
  isHeldBack(namespace: string): boolean;
}

export interface IntakesOptions {
  /** Called when a namespace is no longer held back. */
  readonly onRelease: (namespace: string) => void;
  /** True when memory is short: then a namespace is held back after each charge. */
  readonly isShort?: () => boolean;
  /** A monotonic clock, in ms. */
  readonly now?: () => number;
  /** Processor time of this thread, in ms. */
  readonly spent?: () => number;
  readonly wait?: (ms: number, done: () => void) => void;
}

/** The share of the thread's time that a namespace may use permanently. */
const steadyShare = 0.1;
/** What it may use at once, in ms. */
const burstMs = 20;
/** Upper limit of one pause. A namespace that still owes after it has another. */
const longestMs = 250;
/** A debt below this is an error of the arithmetic. */
const roundingMs = 1e-6;
/** The pause while memory is short. In that time, what has arrived is written or collected. */
const shortMs = 25;
/** Above this number, accounts without a debt are removed. */
const mostKept = 1000;

interface Account {
  readonly streams: Set<Readable>;
  /** What it may still use, in ms. Below 0 it is held back. */
  leftMs: number;
  countedAt: number;
  isHeldBack: boolean;
}

export function createIntakes(options: IntakesOptions): Intakes {
  const { onRelease, isShort = () => false } = options;
  const { now = () => performance.now(), spent = threadMs, wait = waitQuietly } = options;
  const accounts = new Map<string, Account>();

  /** Removes accounts without a debt: a new one is the same. */
  const forgetPaid = () => {
    for (const [namespace, { streams, leftMs, countedAt }] of accounts) {
      const isPaid = leftMs + (now() - countedAt) * steadyShare >= burstMs;
      if (isPaid && streams.size === 0) accounts.delete(namespace);
    }
  };
  const accountOf = (namespace: string): Account => {
    const known = accounts.get(namespace);
    if (known !== undefined) return known;
    if (accounts.size >= mostKept) forgetPaid();
    const account = { streams: new Set<Readable>(), leftMs: burstMs, countedAt: now(), isHeldBack: false };
    accounts.set(namespace, account);
    return account;
  };
  const earn = (account: Account) => {
    const at = now();
    account.leftMs = Math.min(burstMs, account.leftMs + (at - account.countedAt) * steadyShare);
    account.countedAt = at;
  };
  const release = (namespace: string, account: Account) => {
    earn(account);
    // Results are read and charged during a pause, too.
    if (account.leftMs < -roundingMs) return pause(namespace, account, 1);
    account.isHeldBack = false;
    for (const stream of account.streams) stream.resume();
    onRelease(namespace);
  };
  const pause = (namespace: string, account: Account, leastMs: number) => {
    const owedMs = Math.ceil(-account.leftMs / steadyShare - roundingMs);
    wait(Math.max(leastMs, Math.min(longestMs, owedMs)), () => release(namespace, account));
  };
  const holdBack = (namespace: string, account: Account) => {
    account.isHeldBack = true;
    for (const stream of account.streams) stream.pause();
    pause(namespace, account, shortMs);
  };
  const charge = (namespace: string, costMs: number) => {
    const account = accountOf(namespace);
    earn(account);
    account.leftMs -= costMs;
    if ((account.leftMs < 0 || isShort()) && !account.isHeldBack) holdBack(namespace, account);
  };
  let isTurnTaken = false;
  return {
    isHeldBack: (namespace) => accounts.get(namespace)?.isHeldBack === true,
    of: (namespace) => ({
      hold(stream) {
        const account = accountOf(namespace);
        account.streams.add(stream);
        if (account.isHeldBack) stream.pause();
        stream.once('close', () => account.streams.delete(stream));
      },
      take(handle) {
        const before = spent();
        handle();
        charge(namespace, spent() - before);
      },
      takeTurn() {
        if (isTurnTaken) return;
        isTurnTaken = true;
        const before = spent();
        process.nextTick(() => {
          isTurnTaken = false;
          charge(namespace, spent() - before);
        });
      },
    }),
  };
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function waitQuietly(ms: number, done: () => void): void {
  setTimeout(done, ms).unref();
}
