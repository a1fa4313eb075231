/** When to ask for a new certificate. */
import { X509Certificate } from 'node:crypto';

const minuteMs = 60_000;
const longestPauseMs = 12 * 60 * minuteMs;
/** Clocks of servers may differ so much. */
const clockErrorMs = 60 * minuteMs;

/**
 * When a third of its life is left, but not before half of what is left now is over: an authority may issue certificates that
 * began long ago. All times are epoch milliseconds.
 */
export function dueAt(cert: string, now: number): number {
  const { validFromDate, validToDate } = new X509Certificate(cert);
  const until = validToDate.getTime();
  return Math.max(until - (until - validFromDate.getTime()) / 3, now + (until - now) / 2);
}

interface Tried {
  readonly dueAt: number;
  readonly failures: number;
  readonly triedAt: number | null;
}

/** If an attempt has failed in the future, the clock was ahead then, and the end of the pause means nothing. */
export function nextTry({ dueAt, failures, triedAt }: Tried, now: number): number {
  return failures > 0 && (triedAt ?? 0) > now + clockErrorMs ? now : dueAt;
}

/**
 * Pause after failed attempts: a minute, then twice as long each time, up to half a day. An authority counts failures, and
 * refuses who has too many.
 * @param failures in a row, at least one
 * @param random from 0 to 1: takes up to half of the pause, so that many servers do not come at the same moment
 */
export function pauseAfter(failures: number, random: number): number {
  const pauseMs = Math.min(longestPauseMs, minuteMs * 2 ** (failures - 1));
  return pauseMs * (1 - random / 2);
}
