/**
 * Which invoker gets a job. In this order:
 *
 * 1. an invoker with a free warm sandbox of the job's group that is not crowded: the local one, else the least loaded;
 * 2. one that is not crowded, and where a warm sandbox of the group is soon free, so that a start would take longer.
 *    It was in use when the invoker reported, and may be free by now. Only for nodes with an invoker of their own, each of which
 *    would start a sandbox when calls of one action arrive at all nodes. For the others, the homes gather them;
 * 3. one that is not crowded and has memory for a new sandbox: the local one, else the first of the group's homes, so
 *    that the sandboxes of a group gather. When all homes are crowded, the group has many calls: then the less loaded
 *    of two others;
 * 4. the least loaded of all these, where the job waits.
 *
 * An invoker that drains, has a stale report, cannot run the job, or has timed out often gets nothing. When all have
 * timed out often, as after an outage of the bus, that says nothing about them, and they get jobs. A group with a
 * maximum of sandboxes has one place in the cluster, its first home, because only one invoker can count them.
 */
import { isAble } from './able.ts';
import { groupHash, mixed } from './group-hash.ts';
import { homesOf, seedOf } from './homes.ts';
import type { InvokerView, PlacementTarget } from './types.ts';

/** The invokers that are looked at for one job, however large the cluster is. */
export interface Candidates {
  readonly local: InvokerView | undefined;
  /** Those with a free warm sandbox of the group. */
  readonly warm: readonly InvokerView[];
  /** Those with a warm sandbox of the group that is soon free. */
  readonly soonFree: readonly InvokerView[];
  /** The best first. */
  readonly homes: readonly InvokerView[];
  /** A few more, for groups that need more than their homes. */
  readonly others: readonly InvokerView[];
  /** Average of `loadOf` over all invokers. */
  readonly meanLoad: number;
}

/** A job is tried on at most so many invokers. */
export const mostTries = 3;
/** Homes of a group that are asked in turn. */
export const homeCount = 4;
/** How many warm invokers are compared. Each call gets others, so API nodes do not all choose the same one. */
export const warmCount = 16;
/** How many others are compared when all homes are crowded. */
export const otherCount = 2;
/** The age of a report, in ms, from which on the invoker counts as lost: five heartbeats. */
export const staleMs = 2500;
/** An invoker with fewer jobs per processor is never crowded: it has an idle processor. */
const leastCrowded = 1;
/**
 * An invoker is crowded from this many times the average load. With a fixed limit, all invokers of a busy cluster
 * were crowded, jobs left their homes, and cold starts took the rest of the capacity.
 */
const crowdedShare = 1.5;
/**
 * A node with an invoker of its own accepts more load where a sandbox is warm, since it would start another one for each
 * action that is called through it. With the usual limit, three nodes behind a load balancer that chooses by chance made
 * 55 % of the calls that they make with this one.
 */
const nextToOwn = { leastCrowded: 2, crowdedShare: 2 };
/** Limits what one invoker adds to the average. */
const mostLoad = 1000;

/**
 * Returns the nodes to try for a job, the best first, at most `mostTries`. Empty when no invoker may get it. The
 * answer depends on nothing else.
 * @param chance selects the others; each call should have a new one
 */
export function chooseInvokers(
  target: PlacementTarget,
  views: readonly InvokerView[],
  chance: number,
): readonly string[] {
  const hash = groupHash(target);
  const healthy = views.filter((view) => isUsable(target, hash, view));
  const usable = healthy.length > 0 ? healthy : views.filter((view) => isHeard(target, hash, view));
  const homes = homesOf(hash, usable.map(homeOf), homeCount).map(({ view }) => view);
  return rank(target, hash, {
    local: usable.find(({ isLocal }) => isLocal),
    warm: sampleOf(
      usable.filter((view) => (view.idle.get(hash) ?? 0) > 0),
      warmCount,
      chance,
    ),
    soonFree: sampleOf(
      usable.filter(({ soonFree }) => soonFree.has(hash)),
      warmCount,
      chance,
    ),
    homes,
    others: sampleOf(usable, otherCount, chance),
    meanLoad: meanLoadOf(usable),
  });
}

/** True if the invoker may get the job as soon as its queue has a place. */
export function isUsable(target: PlacementTarget, hash: string, view: InvokerView): boolean {
  return view.weight > 0 && isHeard(target, hash, view);
}

/** True if it could get the job, whether or not it has timed out often. */
export function isHeard(target: PlacementTarget, hash: string, view: InvokerView): boolean {
  return view.ageMs <= staleMs && canEver(target, hash, view);
}

/** True if the invoker can run the job and takes new ones. */
export function canEver(target: PlacementTarget, hash: string, { report }: InvokerView): boolean {
  if (report.isDraining || target.limits.memoryMiB > report.status.memoryLimitMiB) return false;
  return isAble(target, hash, report.abilities);
}

/** @param candidates all usable */
export function rank(target: PlacementTarget, hash: string, candidates: Candidates): readonly string[] {
  const { meanLoad } = candidates;
  const homes = candidates.homes.filter(hasPlace);
  if (target.scaling?.maxInstances !== undefined) {
    // Another one would start more than the maximum, so a full queue is a refusal.
    return homes
      .slice(0, 1)
      .filter((first) => first === candidates.homes[0])
      .map(({ node }) => node);
  }
  const warm = candidates.warm.filter(hasPlace);
  const others = candidates.others.filter(hasPlace);
  const chosen = new Set<string>();
  /** True while there is room for more. */
  const take = (views: readonly InvokerView[]): boolean => {
    for (const { node } of views) if (chosen.size < mostTries) chosen.add(node);
    return chosen.size < mostTries;
  };
  const crowdedAt = Math.max(leastCrowded, meanLoad * crowdedShare);
  const isOpen = (view: InvokerView) => loadOf(view) < crowdedAt;
  const canStart = (view: InvokerView) => isOpen(view) && hasRoom(view, target.limits.memoryMiB);
  const here = [candidates.local].filter((view) => view !== undefined).filter(hasPlace);
  const isFresh = target.scaling?.fresh === true;
  const warmCrowdedAt = Math.max(nextToOwn.leastCrowded, meanLoad * nextToOwn.crowdedShare);
  const isWarmOpen = (view: InvokerView) => loadOf(view) < (here.length === 0 ? crowdedAt : warmCrowdedAt);
  const canTakeWarm = (view: InvokerView) => !isFresh && (view.idle.get(hash) ?? 0) > 0 && isWarmOpen(view);
  const canWait = (view: InvokerView) => !isFresh && view.soonFree.has(hash) && isWarmOpen(view);
  const soonFree = here.length === 0 ? [] : candidates.soonFree.filter(hasPlace);
  const mustGoOn =
    take(here.filter(canTakeWarm)) &&
    take(leastLoaded(warm.filter(canTakeWarm))) &&
    take(here.filter(canWait)) &&
    take(leastLoaded(soonFree.filter(canWait))) &&
    take([...here, ...homes].filter(canStart)) &&
    take(leastLoaded(others.filter(canStart)));
  if (mustGoOn) take(leastLoaded([...here, ...homes, ...others]));
  return [...chosen];
}

/** Selects some by chance, each once, or all if there are not more. */
export function sampleOf<T>(all: readonly T[], count: number, chance: number): readonly T[] {
  if (all.length <= count) return all;
  const found = new Set<T>();
  for (let at = 0; found.size < count && at < 2 * count; at++) {
    found.add(all[mixed(chance + at) % all.length] as T);
  }
  return [...found];
}

/** Returns the average of `loadOf`. */
export function meanLoadOf(views: readonly InvokerView[]): number {
  return views.reduce((sum, view) => sum + Math.min(mostLoad, loadOf(view)), 0) / Math.max(1, views.length);
}

/**
 * Jobs per processor, as if an invoker of little weight had fewer processors. Without any weight, none is better. It has
 * at least the jobs that were sent to it, whatever it says.
 */
export function loadOf({ active, queued, sent, processors, weight }: InvokerView): number {
  return Math.max(active + queued, sent) / (Math.max(1, processors) * (weight || 1));
}

function hasPlace({ queued, report }: InvokerView): boolean {
  return queued < report.mostQueued;
}

function hasRoom({ freeMiB, idleMiB, starting, report }: InvokerView, memoryMiB: number): boolean {
  return freeMiB + idleMiB >= memoryMiB && starting < report.mostStarting;
}

/** Returns up to `mostTries` of them, the least loaded first, each once. */
function leastLoaded(views: readonly InvokerView[]): readonly InvokerView[] {
  return [...new Set(views)]
    .toSorted((one, other) => loadOf(one) - loadOf(other) || compare(one.node, other.node))
    .slice(0, mostTries);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one === other ? 0 : 1;
}

function homeOf(view: InvokerView) {
  return {
    node: view.node,
    seed: seedOf(view.node),
    memoryLimitMiB: view.memoryLimitMiB,
    view,
  };
}
