/** What functions reached over the network, and what was refused to them: the days of each target, added up. */
import { z } from 'zod';
import type { EgressDay, EgressPlace, EgressStore } from '../../store/index.ts';

/** What the calls of an action did with one target in the days that were asked for. */
export interface EgressTarget {
  readonly namespace: string;
  /** `name` or `package/name`; null: of all that the namespace has no rows left for. */
  readonly action: string | null;
  /** A name or an address; null: what is not told apart. */
  readonly target: string | null;
  /** 0 if there is none. */
  readonly port: number;
  readonly protocol: string;
  /** Why it was refused; null: it was not. */
  readonly refusal: string | null;
  readonly calls: number;
  /** Connections that were opened, or tries that were refused. */
  readonly attempts: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** When the latest of the calls started, epoch milliseconds; and its id. */
  readonly lastAt: number;
  readonly lastActivationId: string;
}

export interface EgressQuery {
  /** Undefined: all. */
  readonly namespace: string | undefined;
  /** `name` or `package/name`; undefined: all. */
  readonly action?: string | undefined;
  /** The first and the last day, since 1970. */
  readonly since: number;
  readonly until: number;
  /** A part of it; empty: any. */
  readonly target: string;
  /** Only what was refused, or only what was not. */
  readonly isRefused?: boolean | undefined;
  /** Only what comes later in the list. */
  readonly after?: EgressPlace | undefined;
  readonly limit: number;
}

export interface EgressTargets {
  readonly targets: readonly EgressTarget[];
  /** Where to read on: there may be more. Null: there is none. */
  readonly next: string | null;
}

/** A day is forgotten after these. */
export const egressKeptDays = 90;

const pageRows = 1000;
/** Rows that one answer reads. So it takes the same short time among any number of them. */
const mostRows = 20_000;

/** By namespace, action and target. A page can have fewer than `limit`, even none, and still a `next`. */
export async function listEgress(
  store: Pick<EgressStore, 'list'>,
  query: EgressQuery,
): Promise<EgressTargets> {
  const { namespace, action, limit } = query;
  const filter = namespace === undefined ? {} : { namespace, action };
  const targets: EgressTarget[] = [];
  let sum: EgressDay | undefined;
  let { after } = query;
  const finish = () => {
    if (sum !== undefined) targets.push(told(sum));
    sum = undefined;
  };
  for (let read = 0; ; ) {
    const page = await store.list(filter, after, pageRows);
    for (const row of page) {
      if (sum !== undefined && !isSameTarget(sum, row)) finish();
      if (targets.length === limit || (read >= mostRows && sum === undefined))
        return { targets, next: nextOf(after) };
      if (fits(row, query)) sum = sum === undefined ? row : added(sum, row);
      after = row;
      read++;
    }
    if (page.length < pageRows) break;
  }
  finish();
  return { targets, next: null };
}

function fits(row: EgressDay, { action, target, isRefused, since, until }: EgressQuery): boolean {
  const { refusal, day } = row;
  return (
    (action === undefined || action === row.action) &&
    day >= since &&
    day <= until &&
    row.target.includes(target.toLowerCase()) &&
    (isRefused === undefined || isRefused === (refusal !== ''))
  );
}

function isSameTarget(one: EgressDay, other: EgressDay): boolean {
  return keys.every((key) => one[key] === other[key]);
}

const keys = ['namespace', 'action', 'target', 'port', 'protocol', 'refusal'] as const;
const placeKeys = [...keys, 'day'] as const;

/** @param day a later one than those of `sum` */
function added(sum: EgressDay, day: EgressDay): EgressDay {
  return {
    ...day,
    calls: sum.calls + day.calls,
    attempts: sum.attempts + day.attempts,
    sentBytes: sum.sentBytes + day.sentBytes,
    receivedBytes: sum.receivedBytes + day.receivedBytes,
  };
}

function told({ day: _, lastCall, action, target, refusal, ...row }: EgressDay): EgressTarget {
  const some = (text: string) => (text === '' ? null : text);
  return {
    ...row,
    ...{ action: some(action), target: some(target), refusal: some(refusal), lastActivationId: lastCall },
  };
}

function nextOf(place: EgressPlace | undefined): string | null {
  if (place === undefined) return null;
  return Buffer.from(JSON.stringify(placeKeys.map((key) => place[key]))).toString('base64url');
}

const text = z
  .string()
  .max(300)
  .regex(/^\P{C}*$/u);
const number = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const placeSchema = z.tuple([text, text, text, number, text, text, number]);

/** The place that `next` of a page names; undefined: it names none. */
export function parseEgressPlace(next: string): EgressPlace | undefined {
  try {
    const parsed = placeSchema.parse(JSON.parse(Buffer.from(next, 'base64url').toString()));
    const [namespace, action, target, port, protocol, refusal, day] = parsed;
    return { namespace, action, target, port, protocol, refusal, day };
  } catch {
    return undefined;
  }
}
