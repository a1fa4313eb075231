/** What invokers say of themselves, and what a dispatcher knows when it chooses one for a job. */
import type { InvokerAbilities } from '../abilities.ts';
import type { InvokerStatus, JobTarget } from '../types.ts';

/** The largest number of groups in each list of a report: those that were used last. */
export const mostIdleGroups = 200;

/** A group that could take calls at once, without a start. */
export interface IdleGroup {
  /** See `groupHash`. */
  readonly hash: string;
  /** Calls that its sandboxes could take now. At least 1. */
  readonly free: number;
}

/** An invoker's description of itself. Plain data: invokers on other nodes send it in each heartbeat. */
export interface InvokerReport {
  readonly abilities: InvokerAbilities;
  readonly status: InvokerStatus;
  /** Processors of its host. */
  readonly processors: number;
  /** The part of `status.memoryMiB` that idle sandboxes hold. They end when their memory is needed. */
  readonly idleMiB: number;
  /** How many sandboxes may be starting at once. */
  readonly mostStarting: number;
  /** How many jobs may wait for a sandbox. It refuses more with INVOKER_BUSY. */
  readonly mostQueued: number;
  /** At most `mostIdleGroups`, the last used first. */
  readonly idle: readonly IdleGroup[];
  /**
   * Hashes of groups whose sandboxes are all in use, but for which a call should rather wait than let another one start. At most
   * `mostIdleGroups`.
   */
  readonly soonFree: readonly string[];
  /** It finishes what it has and wants no new jobs. */
  readonly isDraining: boolean;
}

/**
 * What a dispatcher knows about one invoker: its last report, corrected by what the dispatcher sent to it and heard
 * from it since.
 */
export interface InvokerView {
  readonly node: string;
  /** True for the invoker in the dispatcher's own process. */
  readonly isLocal: boolean;
  readonly report: InvokerReport;
  /** Time since the report arrived. */
  readonly ageMs: number;
  /** What it says that its sandboxes can use, as far as that is believed. See `mostBelieved`. */
  readonly memoryLimitMiB: number;
  /** Processors of its host, as far as they are believed. */
  readonly processors: number;
  /** Jobs that the dispatcher has sent to it, and that have not ended, whatever it says. */
  readonly sent: number;
  /** Jobs that run there, and sandboxes that start. */
  readonly active: number;
  /** Sandboxes that start. */
  readonly starting: number;
  /** Jobs that wait for a sandbox. */
  readonly queued: number;
  /** Memory that no sandbox has reserved. */
  readonly freeMiB: number;
  /** Memory of idle sandboxes, which end when it is needed. */
  readonly idleMiB: number;
  /** Calls that warm sandboxes of a group could take now, by the group's hash. */
  readonly idle: ReadonlyMap<string, number>;
  /** Hashes of groups of which a sandbox was in use when it reported, and soon free. */
  readonly soonFree: ReadonlySet<string>;
  /** Share of the usual work that it should get: 1, less after failures, 0 after many. */
  readonly weight: number;
}

/** What placement must know of a job. */
export type PlacementTarget = Pick<
  JobTarget,
  'namespace' | 'action' | 'revision' | 'kind' | 'limits' | 'scaling' | 'sandbox'
>;

/** What an invoker can say in each reply: its load at that moment. Plain data. */
export type LoadNote = Pick<InvokerView, 'active' | 'starting' | 'queued' | 'freeMiB' | 'idleMiB'>;

export type HowSettled = 'ended' | 'refused' | 'in trouble' | 'timed out';

/** A job on its way to an invoker, until the invoker's reports count it. */
export interface SentJob {
  /**
   * The invoker has it: its next report counts it. Call it in the order of arrival with reports.
   * @param load what the reply says, if it does; fresher than the report
   */
  accepted(load?: LoadNote): void;
  /**
   * The job no longer occupies the invoker: it ended, was refused, could not begin because of trouble on that machine,
   * or the invoker did not answer in time. Call it once.
   */
  settled(how: HowSettled, load?: LoadNote): void;
}

/**
 * The invokers that a dispatcher can choose from. It hears their reports and counts what was sent to them since.
 * Nothing in it waits or fails.
 */
export interface InvokerDirectory {
  /**
   * Takes the newest report of an invoker, which replaces the one before. Tell it about the local invoker more often
   * than others do: ten times a second.
   */
  hear(node: string, report: InvokerReport): void;
  /** Forgets an invoker that said it stops. */
  forget(node: string): void;
  views(): readonly InvokerView[];
  /**
   * Returns the nodes to try, the best first, at most 3. Go to the next one only after a refusal. Empty when no
   * invoker is able, or when all are full.
   */
  choose(target: PlacementTarget): readonly string[];
  /** Counts a job as sent to a node. Call it for each try. */
  send(node: string, target: PlacementTarget): SentJob;
}
