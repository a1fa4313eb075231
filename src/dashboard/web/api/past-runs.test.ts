import { afterEach, expect, test, vi } from 'vitest';
import type { KeptInput } from './kept-input.ts';
import { type PastRun, readReplays, selectRuns } from './past-runs.ts';
import type { RunSummary } from './runs.ts';

const { signal } = new AbortController();
const whole = (order: number): KeptInput => ({ is: 'whole', input: { order } });

afterEach(() => {
  vi.unstubAllGlobals();
});

async function replaysOf(runs: readonly (PastRun & { readonly kept: KeptInput })[]) {
  const inputs = new Map(runs.map(({ activationId, kept }) => [activationId, kept]));
  return await readReplays(runs, signal, async (id) => inputs.get(id) ?? { is: 'absent' });
}

test('only whole inputs are called again, in the order of the runs', async () => {
  const found = await replaysOf([
    { activationId: 'a', action: 'orders', kept: whole(1) },
    { activationId: 'b', action: 'orders', kept: { is: 'absent' } },
    { activationId: 'c', action: 'orders', kept: { is: 'too-long', length: '70022 characters of JSON' } },
    { activationId: 'd', action: 'orders', kept: { is: 'redacted', input: {}, hidden: ['token'] } },
    { activationId: 'e', action: undefined, kept: whole(5) },
    { activationId: 'f', action: 'shop/price', kept: whole(6) },
  ]);
  expect(found).toEqual({
    replays: [
      { action: 'orders', input: { order: 1 } },
      { action: 'shop/price', input: { order: 6 } },
    ],
    leftOut: ['absent', 'too-long', 'redacted', 'foreign'],
  });
});

test('a part is called only when nothing that it is a part of is called again', async () => {
  const found = await replaysOf([
    { activationId: 'inner part', action: 'c', cause: 'inner', kept: whole(4) },
    { activationId: 'inner', action: 'b', cause: 'outer', kept: { is: 'absent' } },
    { activationId: 'part', action: 'd', cause: 'outer', kept: whole(3) },
    { activationId: 'outer', action: 'a', cause: 'a firing', kept: whole(1) },
    { activationId: 'alone', action: 'c', cause: 'not selected', kept: whole(5) },
  ]);
  expect(found).toEqual({
    replays: [
      { action: 'a', input: { order: 1 } },
      { action: 'c', input: { order: 5 } },
    ],
    leftOut: ['part', 'absent', 'part'],
  });
});

test('runs that start while it reads are not selected, and no run twice', async () => {
  const runs: RunSummary[] = Array.from({ length: 450 }, (_, at) => runOf(450 - at));
  const asked = stubLists(runs, () => runs.unshift(runOf(runs.length + 1)));
  const selected = await selectRuns({ name: 'orders', failed: true, since: undefined }, 'guest', signal);
  expect(selected.total).toBe(450);
  expect(selected.runs.map(({ activationId }) => activationId)).toEqual(
    Array.from({ length: 450 }, (_, at) => `run-${450 - at}`),
  );
  expect(selected.runs[0]).toEqual({ activationId: 'run-450', action: 'orders', cause: undefined });
  for (const query of asked)
    expect(Object.fromEntries(query)).toMatchObject({ name: 'orders', failed: 'true', calls: 'true' });
});

test('it selects the newest 1,000 of more', async () => {
  stubLists(Array.from({ length: 1500 }, (_, at) => runOf(1500 - at)));
  const { total, runs } = await selectRuns({ name: '', failed: false, since: undefined }, 'shop', signal);
  expect(total).toBe(1500);
  expect(runs.length).toBe(1000);
  expect(runs.at(-1)).toEqual({ activationId: 'run-501', action: undefined, cause: undefined });
});

function runOf(start: number): RunSummary {
  return {
    ...{ activationId: `run-${start}`, name: 'orders', start },
    annotations: [{ key: 'path', value: 'guest/orders' }],
  };
}

/** Answers as the list of runs does. @param between runs after each answer. @returns what was asked */
function stubLists(runs: readonly RunSummary[], between: () => void = () => {}): readonly URLSearchParams[] {
  const asked: URLSearchParams[] = [];
  vi.stubGlobal('fetch', async (path: string) => {
    const query = new URL(path, 'http://ward').searchParams;
    asked.push(query);
    const upto = Number(query.get('upto') ?? Number.POSITIVE_INFINITY);
    const skip = Number(query.get('skip'));
    const fitting = runs.filter(({ start }) => start <= upto);
    const answer =
      query.get('count') === 'true'
        ? { activations: fitting.length }
        : fitting.slice(skip, skip + Number(query.get('limit')));
    between();
    return Response.json(answer);
  });
  return asked;
}
