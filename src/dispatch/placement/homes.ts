/**
 * Rendezvous hashing: each node gets a score for a group, and the nodes with the best scores are its homes, so that
 * its sandboxes gather. When a node comes or goes, only the groups move whose home it is. A node's share is proportional
 * to its memory. Source: Thaler and Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996; the weights are
 * those of Schindelhauer and Schomaker, 2005.
 */
import { hashText, mixed } from './group-hash.ts';

export interface HomeNode {
  readonly node: string;
  /** `seedOf` its name. */
  readonly seed: number;
  readonly memoryLimitMiB: number;
}

/**
 * Returns the `count` best homes of a group, the best first. The order of `nodes` does not matter.
 * @param isAsked leaves out nodes; it is asked about few of them
 */
export function homesOf<T extends HomeNode>(
  hash: string,
  nodes: Iterable<T>,
  count: number,
  isAsked: (node: T) => boolean = () => true,
): readonly T[] {
  const seed = hashText(hash, 0);
  const best: { readonly node: T; readonly score: number }[] = [];
  for (const node of nodes) {
    const score = scoreOf(seed, node);
    let at = best.length;
    while (at > 0 && isBetter(node, score, best[at - 1])) at--;
    if (at >= count || !isAsked(node)) continue;
    best.splice(at, 0, { node, score });
    if (best.length > count) best.pop();
  }
  return best.map(({ node }) => node);
}

/** What the name of a node adds to its scores. */
export function seedOf(node: string): number {
  return hashText(node, 0x9e3779b9);
}

function isBetter(
  node: HomeNode,
  score: number,
  other: { node: HomeNode; score: number } | undefined,
): boolean {
  if (other === undefined) return false;
  return score === other.score ? node.node < other.node.node : score < other.score;
}

/** Exponentially distributed with the memory as its rate: the smallest score wins. */
function scoreOf(seed: number, { seed: own, memoryLimitMiB }: HomeNode): number {
  const share = (mixed(seed ^ own) + 1) / 2 ** 32;
  return -Math.log(share) / Math.max(1, memoryLimitMiB);
}
