import { expect, test } from 'vitest';
import { type Digest, digestOf } from '../../blobs/index.ts';
import { checkBucket } from './bucket.ts';
import { Findings } from './findings.ts';

const digests = Array.from({ length: 300 }, (_, at) => digestOf(`${at}`)).toSorted();
const at = (...places: readonly number[]) => places.map((place) => digests[place] ?? digestOf(''));

interface Given {
  readonly named: readonly Digest[];
  readonly there: readonly Digest[];
  readonly kept?: readonly Digest[];
  /** What became of them since the lists were read. */
  readonly namedNow?: readonly Digest[];
  readonly thereNow?: readonly Digest[];
}

async function check({ named, there, kept = [], namedNow = named, thereNow = there }: Given) {
  const findings = new Findings();
  const steps: string[] = [];
  await checkBucket(
    {
      ...{ area: 'code', remedy: 'deploy it again' },
      named: () => named,
      namesOf: async (digest) => (namedNow.includes(digest) ? ['guest/a'] : []),
      isKept: async (digest) => kept.includes(digest),
    },
    {
      blobs: {
        list: async function* () {
          yield* there;
        },
        has: async (digest) => thereNow.includes(digest),
      },
      signal: new AbortController().signal,
      onStep: (text) => steps.push(text),
    },
    findings,
  );
  return { ...findings, of: findings.all.map(({ of }) => of), steps };
}

test('what is named and there is no finding', async () => {
  const { all, notes, checked } = await check({ named: at(1, 2, 3), there: at(1, 2, 3) });
  expect({ all, notes, code: checked.code }).toEqual({ all: [], notes: [], code: 3 });
});

test.each([
  ['at the beginning', at(0), at(1, 2)],
  ['in the middle', at(1), at(0, 2)],
  ['at the end', at(2), at(0, 1)],
  ['one after the other', at(0, 1, 2), []],
])('a blob that is named, and missing %s, is told with its name', async (_, missing, there) => {
  const { all, notes } = await check({ named: at(0, 1, 2), there });
  const [area, problem, remedy] = ['code', 'is missing in the bucket', 'deploy it again'];
  expect(all).toEqual(missing.map((digest) => ({ area, of: `${digest} (guest/a)`, problem, remedy })));
  expect(notes).toEqual([]);
});

test('what changes meanwhile is no finding', async () => {
  const named = at(0, 1, 2);
  expect((await check({ named, there: at(0), namedNow: at(0, 1), thereNow: at(0, 1) })).all).toEqual([]);
});

test('unused blobs are counted, a few are shown, and what is kept is not among them', async () => {
  const { all, notes } = await check({ named: at(2), there: at(1, 2, 3, 4), kept: at(4) });
  expect(all).toEqual([]);
  expect(notes).toEqual([
    `code: 2 blobs in the bucket are unused (${at(1, 3).join(', ')}); a running Ward removes them after an hour`,
  ]);
  const many = await check({ named: [], there: digests });
  expect(many.notes[0]).toContain(`300 blobs in the bucket are unused (${at(0, 1, 2, 3, 4).join(', ')}, …)`);
});

test('an empty bucket, as a wrong one is, gives few findings', async () => {
  const { of } = await check({ named: digests, there: [] });
  expect(of).toHaveLength(101);
  expect(of[99]).toBe(`${digests[99]} (guest/a)`);
  expect(of[100]).toBe('200 more blobs');
});
