import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ApiNodes, createLimitShare } from './limit-share.ts';

/**
 * A second, the API nodes that are heard, and those that the database has noted: without it, as many. Undefined: the node
 * is cut off from the bus, or from the database.
 */
type Step = readonly [number, number | undefined] | readonly [number, number | undefined, number | undefined];

/** Returns over how many nodes the limits are divided at each step. */
function parts(steps: readonly Step[], known = 1): readonly number[] {
  let [at, heard, noted]: [number, number | undefined, number | undefined] = [0, 1, 1];
  const nodes: ApiNodes = {
    heard: () => heard ?? 1,
    before: () => 0,
    noted: () => noted,
    isHearing: () => heard !== undefined,
    known,
  };
  const share = createLimitShare(nodes, () => at * 1000);
  const limit = 5040;
  return steps.map((step) => {
    [at, heard] = step;
    noted = step.length === 2 ? (heard ?? 1) : step[2];
    return limit / share(limit);
  });
}

describe('the part of the limits', () => {
  it.each([
    ['of the only node is everything', [[0, 1]], [1]],
    [
      'falls when another node comes',
      [
        [0, 1],
        [1, 3],
      ],
      [1, 3],
    ],
    [
      'rises a minute after a node went',
      [
        [0, 3],
        [1, 2],
        [60, 2],
        [61, 2],
      ],
      [3, 3, 3, 2],
    ],
    [
      'stays when the node comes back',
      [
        [0, 3],
        [1, 2],
        [30, 3],
        [62, 2],
        [121, 2],
      ],
      [3, 3, 3, 3, 3],
    ],
    [
      'rises to the largest number of that minute',
      [
        [0, 5],
        [1, 2],
        [30, 3],
        [61, 2],
      ],
      [5, 5, 5, 3],
    ],
    [
      'stays while the node is cut off',
      [
        [0, 3],
        [1, undefined],
        [3600, undefined],
      ],
      [3, 3, 3],
    ],
    [
      'stays while the bus is split, because the nodes of the other side serve too',
      [
        [0, 3],
        [1, 1, 3],
        [3600, 1, 3],
      ],
      [3, 3, 3],
    ],
    [
      'stays while the database does not say who serves',
      [
        [0, 3],
        [1, 1, undefined],
        [3600, 1, undefined],
      ],
      [3, 3, 3],
    ],
    [
      'waits a minute after the database says that a node went',
      [
        [0, 3],
        [1, 2, 3],
        [11, 2, 2],
        [70, 2, 2],
        [71, 2, 2],
      ],
      [3, 3, 3, 3, 2],
    ],
    [
      'waits a minute after being cut off',
      [
        [0, 3],
        [1, undefined],
        [300, 2],
        [360, 2],
      ],
      [3, 3, 3, 2],
    ],
  ] as const)('%s', (_, steps, expected) => {
    expect(parts(steps)).toEqual(expected);
  });

  it('goes by the nodes that the database knows, until it has heard others for a minute', () => {
    expect(
      parts(
        [
          [0, undefined],
          [600, undefined],
        ],
        2,
      ),
    ).toEqual([2, 2]);
    expect(
      parts(
        [
          [0, 1],
          [60, 1],
        ],
        2,
      ),
    ).toEqual([2, 1]);
    expect(parts([[0, 3]], 2)).toEqual([3]);
  });

  it.each([1, 2, 3, 7, 12, 49])(
    'adds up to the limit over %i nodes, of which each can admit something',
    (count) => {
      const shares = Array.from({ length: count }, (_, before) =>
        createLimitShare({
          ...{ heard: () => count, before: () => before, noted: () => count },
          ...{ isHearing: () => true, known: count },
        }),
      );
      const sum = (limit: number) => shares.reduce((all, share) => all + share(limit), 0);
      for (const limit of [0, 49, 50, 60, 97, 1000]) expect(sum(limit)).toBe(limit);
      expect(shares.map((share) => share(1))).toEqual(shares.map(() => 1));
    },
  );

  it('does not pass the limit when more nodes come before this one than count', () => {
    const share = createLimitShare({
      ...{ heard: () => 3, before: () => 9, noted: () => 3, isHearing: () => true, known: 3 },
    });
    expect([10, 11, 12].map(share)).toEqual([3, 3, 4]);
  });

  it('is never more than 1 over the nodes that are heard', () => {
    const step = fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 9 }));
    fc.assert(
      fc.property(fc.array(step), (all) => {
        const steps = all.toSorted(([one], [other]) => one - other);
        for (const [at, part] of parts(steps).entries())
          expect(part).toBeGreaterThanOrEqual(steps[at]?.[1] ?? 1);
      }),
    );
  });
});
