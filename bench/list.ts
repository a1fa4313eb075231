/**
 * Lists of activations among five million records, against the same lists among five thousand; and how long reads wait
 * while old records are pruned.
 *
 * Set BENCH_RECORDS=500000 for a quicker run with fewer records.
 */
import { join } from 'node:path';
import type { ActivationQuery, Store } from '../src/store/index.ts';
import { firstStart, interval, openFilledStore, seldomAction, spreadOf } from './records.ts';
import { median, ms, quantile, type Row } from './table.ts';

export const few = 5_000;
export const many = Number(process.env['BENCH_RECORDS'] ?? 5_000_000);
const rounds = 300;
const target = 2;
const page = { namespace: 'guest', skip: 0, limit: 30, brief: true } as const;
const prunedAtOnce = 250;

type Lister = (records: number) => ActivationQuery;

/** Each list draws new moments, so that it reads most of its database pages for the first time. */
export const lists = {
  'newest 30': () => page,
  'newest 200': () => ({ ...page, limit: 200 }),
  '30 since a moment': (records) => ({ ...page, since: momentOf(records) }),
  '30 up to a moment': (records) => ({ ...page, upto: momentOf(records) }),
  '30 between two moments': (records) => {
    const since = momentOf(records);
    return { ...page, since, upto: since + 60 * interval };
  },
  '30 after 1000 that are skipped': () => ({ ...page, skip: 1000 }),
  '30 of one action': () => ({ ...page, path: 'action-3' }),
  '30 of an action that is seldom called, up to a moment': (records) => ({
    ...page,
    path: seldomAction,
    upto: momentOf(records),
  }),
} as const satisfies Readonly<Record<string, Lister>>;

export async function benchList(folder: string): Promise<readonly Row[]> {
  await using small = await openFilledStore(join(folder, 'few', 'ward.db'), few);
  await using large = await openFilledStore(join(folder, 'many', 'ward.db'), many);
  const rows: Row[] = [];
  for (const [what, lister] of Object.entries(lists)) rows.push(await listRow(what, lister, small, large));
  rows.push(await countRow(small, large));
  rows.push(await pruneRow(large));
  return rows;
}

export async function listRow(what: string, lister: Lister, small: Store, large: Store): Promise<Row> {
  const samples = { small: [] as number[], large: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    samples.small.push(await timed(() => small.activations.list(lister(few))));
    samples.large.push(await timed(() => large.activations.list(lister(many))));
  }
  return ratioRow(`list of activations: ${what}, p50`, samples);
}

async function countRow(small: Store, large: Store): Promise<Row> {
  const samples = { small: [] as number[], large: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    samples.small.push(await timed(() => small.activations.count({ namespace: 'guest' })));
    samples.large.push(await timed(() => large.activations.count({ namespace: 'guest' })));
  }
  return ratioRow('count of all activations, p50', samples);
}

/** Prunes the oldest records as fast as possible, while lists are read one after the other. */
async function pruneRow(store: Store): Promise<Row> {
  const list = () => timed(() => store.activations.list(page));
  const idle: number[] = [];
  for (let round = 0; round < rounds; round++) idle.push(await list());
  const busy: number[] = [];
  let pruned = 0;
  const begunAt = performance.now();
  const rule = { namespace: 'guest', keep: many - spreadOf(many), max: prunedAtOnce };
  const pruning = (async () => {
    for (let some = 1; some > 0; pruned += some) some = await store.activations.prune(rule);
  })();
  let isDone = false;
  const done = pruning.finally(() => {
    isDone = true;
  });
  while (!isDone) busy.push(await list());
  await done;
  const perSecond = (pruned / (performance.now() - begunAt)) * 1000;
  return {
    what: `list of activations while ${pruned} are pruned, ${Math.round(perSecond)} a second, p50 and p99`,
    baseline: `nothing pruned: ${ms(median(idle))}, ${ms(quantile(idle, 0.99))}`,
    ward: `${ms(median(busy))}, ${ms(quantile(busy, 0.99))}`,
    result: '–',
    target: 'reported',
    isMet: undefined,
  };
}

function ratioRow(what: string, samples: Readonly<Record<'small' | 'large', readonly number[]>>): Row {
  const [base, ours] = [median(samples.small), median(samples.large)];
  return {
    what,
    baseline: `among ${few}: ${ms(base)}`,
    ward: `among ${many}: ${ms(ours)}`,
    result: `${(ours / base).toFixed(2)} ×`,
    target: `≤ ${target} ×`,
    isMet: ours / base <= target,
  };
}

/** Any moment in the newer half, so that there is a page before it and one after it. */
function momentOf(records: number): number {
  return firstStart + Math.floor(records * (0.5 + Math.random() * 0.49)) * interval;
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const begunAt = performance.now();
  await action();
  return performance.now() - begunAt;
}
