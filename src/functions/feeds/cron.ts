/**
 * Cron expressions: five fields, or six with seconds first, in an IANA time zone. croner computes the dates and
 * treats daylight saving like Vixie cron: a fixed time that a clock change skips fires right after the gap, one that
 * occurs twice fires once, and expressions with a wildcard, range or list in the time follow real time.
 */
import { Cron } from 'croner';
import { functionFault } from '../faults.ts';

interface CronDates {
  readonly hasSeconds: boolean;
  /** The first date after `after`, in epoch milliseconds. Undefined if there is none. */
  next(after: number): number | undefined;
}

export interface CronGuard {
  /** The shortest interval allowed between two dates. */
  readonly minIntervalMs: number;
  /** Maximum of dates within any 60 seconds. */
  readonly maxPerMinute: number;
}

const maxPatternLength = 256;
const maxZoneLength = 64;
const maxKnownZones = 1000;
const knownZones = new Set<string>();
const minuteMs = 60_000;
/** Two full minutes of a cron that fires every second, so that its busiest minute is included. */
const sampleSize = 122;

/** @throws Fault FEED_INVALID */
export function parseCron(pattern: string, timezone = 'UTC'): CronDates {
  requireZone(timezone);
  const cron = compile(pattern, { timezone });
  return {
    hasSeconds: fieldsOf(pattern).length === 6,
    next: (after) => cron.nextRun(new Date(after))?.getTime(),
  };
}

/**
 * Checks that it fires at all, and not more often than allowed.
 * @param from epoch milliseconds
 * @throws Fault FEED_INVALID
 */
export function checkCron(
  pattern: string,
  timezone: string | undefined,
  from: number,
  guard: CronGuard,
): void {
  const { next, hasSeconds } = parseCron(pattern, timezone);
  if (next(from) === undefined) throw invalid(`cron pattern '${pattern}' never fires`);
  if (!hasSeconds && guard.minIntervalMs <= minuteMs && guard.maxPerMinute > 0) return;
  // Time zones do not affect seconds, and computing dates without one takes a tenth of the time.
  const dates = compile(pattern, { utcOffset: 0 })
    .nextRuns(sampleSize, new Date(from))
    .map((date) => date.getTime());
  const shortestMs = Math.min(...dates.slice(1).map((date, index) => date - (dates[index] ?? date)));
  if (shortestMs < guard.minIntervalMs) {
    const [actual, allowed] = [shortestMs / 1000, guard.minIntervalMs / 1000];
    throw invalid(
      `cron pattern '${pattern}' fires ${actual} s after it has fired; the shortest interval allowed is ${allowed} s`,
    );
  }
  const busiest = busiestMinute(dates);
  if (busiest > guard.maxPerMinute) {
    throw invalid(
      `cron pattern '${pattern}' fires ${busiest} times in a minute; the namespace may fire ${guard.maxPerMinute} triggers`,
    );
  }
}

function compile(pattern: string, place: { readonly timezone: string } | { readonly utcOffset: 0 }): Cron {
  const fields = fieldsOf(pattern);
  // Also keeps croner from parsing dates and nicknames.
  if (pattern.length > maxPatternLength || fields.length < 5 || fields.length > 6) throw notValid(pattern);
  try {
    // `0/15` and similar forms come from old crons.
    return new Cron(pattern, { ...place, mode: '5-or-6-parts', sloppyRanges: true, paused: true });
  } catch {
    throw notValid(pattern);
  }
}

function requireZone(timezone: string): void {
  if (knownZones.has(timezone)) return;
  try {
    if (timezone === '' || timezone.length > maxZoneLength) throw new RangeError();
    new Cron('* * * * *', { timezone, paused: true }).nextRun();
  } catch {
    throw invalid('Invalid timezone.');
  }
  // There are some hundreds, in any mix of upper and lower case.
  if (knownZones.size >= maxKnownZones) knownZones.clear();
  knownZones.add(timezone);
}

/** Returns the maximum of dates within any 60 seconds. */
function busiestMinute(dates: readonly number[]): number {
  let most = 0;
  let first = 0;
  for (const [last, date] of dates.entries()) {
    while (date - (dates[first] ?? date) >= minuteMs) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

function fieldsOf(pattern: string): readonly string[] {
  return pattern
    .slice(0, maxPatternLength + 1)
    .trim()
    .split(/\s+/);
}

function notValid(pattern: string) {
  return invalid(`cron pattern '${pattern.slice(0, maxPatternLength)}' is not valid`);
}

function invalid(message: string) {
  return functionFault('FEED_INVALID', message);
}
