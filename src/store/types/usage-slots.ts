/** Lengths of the slots in which calls are counted, in minutes. Each call counts once in a slot of each length. */
export const slotMinutes = [60, 5, 1] as const;

export type SlotMinutes = (typeof slotMinutes)[number];

/** Slots of one length, numbered since 1970. */
export interface SlotRange {
  readonly minutes: SlotMinutes;
  /** The first and the last. */
  readonly since: number;
  readonly until: number;
}

/** The calls of a namespace in a range. Each belongs to the slot of its `start`. */
export interface SlotSums {
  readonly namespace: string;
  readonly calls: number;
  readonly failed: number;
  readonly coldStarts: number;
  /** How many of them were in each band of durations. */
  readonly bands: readonly number[];
}

export interface CallSlot {
  readonly namespace: string;
  readonly slot: number;
  readonly calls: number;
  readonly failed: number;
}

export interface UsageSlotStore {
  /** Of each namespace that had calls in that range, by name. */
  sums(range: SlotRange): Promise<readonly SlotSums[]>;
  /** Those of these namespaces that had calls. */
  slots(range: SlotRange, namespaces: readonly string[]): Promise<readonly CallSlot[]>;
  /** All calls of a range. */
  count(range: SlotRange): Promise<number>;
  /** Deletes slots before this one, at most `most`. @returns how many it deleted */
  forget(minutes: SlotMinutes, before: number, most: number): Promise<number>;
}

/** From 0 ms to 80 minutes and more. */
export const durationBands = 40;

/** Each band is that much wider than the one before: so a duration differs from the middle of its band by less than a quarter. */
const growth = 1.5;

export function durationBand(ms: number): number {
  if (ms < 1) return 0;
  return Math.min(durationBands - 1, 1 + Math.floor(Math.log(ms) / Math.log(growth)));
}

/** The middle of a band, in milliseconds. */
export function bandMs(band: number): number {
  return band === 0 ? 0 : growth ** (band - 0.5);
}
