import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupHash } from './group-hash.ts';
import { type HomeNode, homesOf, seedOf } from './homes.ts';
import { targetOf } from './placement.fixture.ts';

const nodeOf = (node: string, memoryLimitMiB = 4096): HomeNode => ({
  node,
  seed: seedOf(node),
  memoryLimitMiB,
});
const nodes = Array.from({ length: 20 }, (_, at) => nodeOf(`node-${at}`));
const hashes = Array.from({ length: 5_000 }, (_, at) => groupHash(targetOf(`action${at}`)));
const first = (hash: string, among: readonly HomeNode[]) => homesOf(hash, among, 1)[0]?.node;

describe('homesOf', () => {
  it('moves only the groups of a node that goes', () => {
    fc.assert(
      fc.property(fc.nat(nodes.length - 1), (gone) => {
        const left = nodes.toSpliced(gone, 1);
        const moved = hashes.filter((hash) => first(hash, nodes) !== first(hash, left));
        expect(moved).toEqual(hashes.filter((hash) => first(hash, nodes) === nodes[gone]?.node));
      }),
      { numRuns: 5 },
    );
  });

  it('gives each node its share', () => {
    const counts = new Map<string | undefined, number>();
    for (const hash of hashes) counts.set(first(hash, nodes), (counts.get(first(hash, nodes)) ?? 0) + 1);
    for (const { node } of nodes) expect(Math.abs((counts.get(node) ?? 0) - 250)).toBeLessThan(70);
  });

  it('gives a node with three times the memory three times the groups', () => {
    const two = [nodeOf('small'), nodeOf('large', 3 * 4096)];
    const share = hashes.filter((hash) => first(hash, two) === 'large').length / hashes.length;
    expect(share).toBeCloseTo(0.75, 1);
  });

  it('names the best first, leaves out who is not asked, and does not depend on the order', () => {
    const isAsked = ({ node }: HomeNode) => node !== 'node-3';
    fc.assert(
      fc.property(fc.constantFrom(...hashes), fc.nat(8), (hash, count) => {
        const all = homesOf(hash, nodes, nodes.length, isAsked);
        expect(all).toHaveLength(nodes.length - 1);
        expect(homesOf(hash, nodes.toReversed(), count, isAsked)).toEqual(all.slice(0, count));
      }),
    );
  });
});
