/**
 * Back-pressure on what sandboxes send: logs and results are dealt with by Ward's main thread, which has other things to
 * do. Each namespace may cost it so much processor time; one that has cost more is held back until that is made up for:
 * its logs are not read, so that its programs wait for a full pipe, and no further call of it is begun. That slows down
 * nobody but itself. What counts is time and not bytes, because a mebibyte of brackets costs fifty times what a mebibyte
 * of text does. Answers are read all the same: their time limits go on.
 *
 * What is small is free: an answer of some hundred bytes is paid for by the call's admission.
 */
import type { Readable } from 'node:stream';

export interface Intake {
  /** A stream that is not read from while the namespace is held back. */
  hold(stream: Readable): void;
  /** Deals with what has come; the time that `handle` takes is the namespace's. */
  take(handle: () => void): void;
  /** The namespace pays for all work until this callback of the event loop returns: for work that can't be wrapped. */
  takeTurn(): void;
}

export interface Intakes {
  of(namespace: string): Intake;
  isHeldBack(namespace: string): boolean;
}

export interface IntakesOptions {
  /** A namespace is held back no longer. */
  readonly onRelease: (namespace: string) => void;
  /** Memory is short: streams that send much are held back. */
  readonly isShort?: () => boolean;
  /** A clock that only goes forward, in ms. */
  readonly now?: () => number;
  /** Processor time of this thread, in ms. */
  readonly spent?: () => number;
  readonly wait?: (ms: number, done: () => void) => void;
}

/** The part of the thread's time that a namespace may cost for as long as it likes. */
const steadyShare = 0.1;
/** What it may cost at once, in ms. */
const burstMs = 20;
/** However much it has cost, so that whatever waits behind is seen to now and then. */
const longestMs = 250;
/** While memory is short; what has come meanwhile is written or collected. */
const shortMs = 25;
/** Accounts, before it is looked for those that nobody needs. */
const mostKept = 1000;

interface Account {
  readonly streams: Set<Readable>;
  /** What it may still cost, in ms; below 0 it is held back. */
  leftMs: number;
  countedAt: number;
  isHeldBack: boolean;
}

export function createIntakes(options: IntakesOptions): Intakes {
  const { onRelease, isShort = () => false } = options;
  const { now = () => performance.now(), spent = threadMs, wait = waitQuietly } = options;
  const accounts = new Map<string, Account>();

  /** Of those that have paid for everything a new account is the same. */
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
  const release = (namespace: string, account: Account) => {
    account.isHeldBack = false;
    for (const stream of account.streams) stream.resume();
    onRelease(namespace);
  };
  const holdBack = (namespace: string, account: Account) => {
    account.isHeldBack = true;
    for (const stream of account.streams) stream.pause();
    wait(Math.max(shortMs, Math.min(longestMs, -account.leftMs / steadyShare)), () =>
      release(namespace, account),
    );
  };
  const charge = (namespace: string, costMs: number) => {
    const account = accountOf(namespace);
    const at = now();
    const earnedMs = (at - account.countedAt) * steadyShare;
    account.leftMs = Math.min(burstMs, account.leftMs + earnedMs) - costMs;
    account.countedAt = at;
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
