/** How the calls of all namespaces go now: from counts of short slots of time, so that it reads no records. */
import {
  bandMs,
  type SlotMinutes,
  type SlotSums,
  slotMinutes,
  type UsageSlotStore,
} from '../../store/index.ts';

/** Windows by their name: how many slots of what length. The last slot has only just begun. */
export const callWindows = {
  '5m': { minutes: 1, slots: 5 },
  '1h': { minutes: 5, slots: 12 },
  '1d': { minutes: 60, slots: 24 },
} as const satisfies Readonly<Record<string, { readonly minutes: SlotMinutes; readonly slots: number }>>;

export type CallWindow = keyof typeof callWindows;

export interface NamespaceCalls {
  readonly namespace: string;
  /** Those that began in the window and have ended. */
  readonly calls: number;
  readonly failed: number;
  readonly coldStarts: number;
  readonly callsPerSecond: number;
  /** Within a quarter. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of each slot of the window. */
  readonly slots: readonly { readonly calls: number; readonly failed: number }[];
}

export interface CallFigures {
  readonly window: CallWindow;
  /** Epoch milliseconds of the begin of its first slot. */
  readonly since: number;
  readonly slotMs: number;
  /** Namespaces that had calls. */
  readonly total: number;
  /** The largest share of failed calls first; a few calls weigh less than many. */
  readonly namespaces: readonly NamespaceCalls[];
}

export interface CallFiguresQuery {
  readonly window: CallWindow;
  /** Absent: all. */
  readonly namespace?: string | undefined;
  readonly skip: number;
  readonly limit: number;
  /** Epoch milliseconds. */
  readonly now: number;
}

const minuteMs = 60_000;
/** Ward keeps the slots of so many windows, because the clocks of servers differ. */
const keptWindows = 2;

export function isCallWindow(text: string): text is CallWindow {
  return Object.hasOwn(callWindows, text);
}

export async function callFigures(
  store: Pick<UsageSlotStore, 'sums' | 'slots'>,
  { window, namespace: only, skip, limit, now }: CallFiguresQuery,
): Promise<CallFigures> {
  const { minutes, slots: count } = callWindows[window];
  const slotMs = minutes * minuteMs;
  const last = Math.floor(now / slotMs);
  const range = { minutes, since: last - count + 1, until: last };
  const since = range.since * slotMs;
  const all = (await store.sums(range))
    .filter(({ namespace }) => only === undefined || namespace === only)
    .toSorted(moreUrgentFirst);
  const page = all.slice(skip, skip + limit);
  const names = page.map(({ namespace }) => namespace);
  const slots = Map.groupBy(await store.slots(range, names), ({ namespace }) => namespace);
  const namespaces = page.map(({ bands, ...sums }): NamespaceCalls => {
    const its = new Map((slots.get(sums.namespace) ?? []).map((slot) => [slot.slot, slot]));
    return {
      ...sums,
      callsPerSecond: sums.calls / ((now - since) / 1000),
      ...{ p50Ms: quantileMs(bands, 0.5), p99Ms: quantileMs(bands, 0.99) },
      slots: Array.from({ length: count }, (_, index) => {
        const { calls = 0, failed = 0 } = its.get(range.since + index) ?? {};
        return { calls, failed };
      }),
    };
  });
  return { window, since, slotMs, total: all.length, namespaces };
}

/** Changes when `callFigures` would tell something else. */
export async function callFiguresMark(store: Pick<UsageSlotStore, 'count'>, now: number): Promise<string> {
  const hour = Math.floor(now / (60 * minuteMs));
  const minute = Math.floor(now / minuteMs);
  return `${minute} ${await store.count({ minutes: 60, since: hour - 1, until: hour })}`;
}

/** Deletes slots that no window needs any more, some at a time. @returns how many; 0: none are left */
export async function forgetOldSlots(
  store: Pick<UsageSlotStore, 'forget'>,
  now: number,
  most: number,
): Promise<number> {
  for (const minutes of slotMinutes) {
    const kept = Object.values(callWindows).find((window) => window.minutes === minutes)?.slots ?? 0;
    const gone = await store.forget(
      minutes,
      Math.floor(now / (minutes * minuteMs)) - keptWindows * kept,
      most,
    );
    if (gone > 0) return gone;
  }
  return 0;
}

function moreUrgentFirst(one: SlotSums, other: SlotSums): number {
  return (
    failureWeight(other) - failureWeight(one) ||
    other.calls - one.calls ||
    (one.namespace < other.namespace ? -1 : 1)
  );
}

/** The share of failed calls that is likely at least: the lower end of Wilson's interval of 95 %. */
function failureWeight({ calls, failed }: SlotSums): number {
  if (failed === 0) return 0;
  const z = 1.96;
  const share = failed / calls;
  const spread = z * Math.sqrt((share * (1 - share) + (z * z) / (4 * calls)) / calls);
  return (share + (z * z) / (2 * calls) - spread) / (1 + (z * z) / calls);
}

/** The middle of the band in which that part of the calls ends. */
function quantileMs(bands: readonly number[], part: number): number {
  const calls = bands.reduce((sum, count) => sum + count, 0);
  let seen = 0;
  const band = bands.findIndex((count) => {
    seen += count;
    return seen > calls * part;
  });
  return Math.round(bandMs(Math.max(0, band === -1 ? bands.findLastIndex((count) => count > 0) : band)));
}
