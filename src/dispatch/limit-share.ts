/**
 * The part of each limit that one API node may use. The parts of all nodes are the limit, once they agree on who serves; a
 * limit below the number of nodes counts as that number, so that every node can admit something. A part falls as soon as another node is heard, but rises only a
 * minute after the others have become fewer: what a lost node admitted still counts in its minute. A node that is not
 * heard can still serve, when the bus is split. So those count too that any node has noted in the database lately. A node
 * that reaches no bus or no database does not know whether the others live, so its part stays; at its start, it goes by
 * those that the database knows.
 */

export interface ApiNodes {
  /** API nodes that are heard, with this one. */
  heard(): number;
  /** How many of those that are heard come before this one by name. */
  before(): number;
  /** Those that the database says are heard by some node, with this one. Undefined while it does not answer. */
  noted(): number | undefined;
  /** False while this node is cut off from the others. */
  isHearing(): boolean;
  /** How many there were lately, with this one, as the database says at the start. */
  readonly known: number;
}

const riseAfterMs = 60_000;

/** Returns this node's part of a limit. */
export type LimitShare = (limit: number) => number;

/** @param now monotonic time in ms */
export function createLimitShare(nodes: ApiNodes, now: () => number = () => performance.now()): LimitShare {
  let held = Math.max(1, nodes.known);
  /** The largest number since it has been smaller than `held`. */
  let smaller: { count: number; readonly since: number } | undefined;
  const counted = () => {
    const noted = nodes.noted();
    const count = Math.max(1, nodes.heard(), noted ?? 0);
    if (count >= held) {
      held = count;
      smaller = undefined;
    } else if (!nodes.isHearing() || noted === undefined) {
      smaller = undefined;
    } else if (smaller === undefined) {
      smaller = { count, since: now() };
    } else {
      smaller.count = Math.max(smaller.count, count);
      if (now() - smaller.since >= riseAfterMs) {
        held = smaller.count;
        smaller = undefined;
      }
    }
    return held;
  };
  return (limit) => partOf(limit, counted(), nodes.before());
}

/** What does not divide evenly goes to the first by name. */
function partOf(limit: number, count: number, before: number): number {
  const isMore = Math.min(before, count - 1) < limit % count;
  return Math.max(Math.min(limit, 1), Math.floor(limit / count) + (isMore ? 1 : 0));
}
