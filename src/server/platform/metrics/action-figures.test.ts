import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { actionFigures } from './action-figures.ts';
import { createFigures } from './figures.ts';

const hour = 3_600_000;

function start(perNamespace: number) {
  const registry = new Registry();
  let clock = 0;
  const figures = actionFigures(registry, perNamespace, () => clock);
  const call = (action: string, namespace = 'guest', status: 'success' | 'application error' = 'success') =>
    figures.completed({ namespace, action: `/${namespace}/${action}` }, { status, start: 'cold' }, 0.05);
  const series = async (metric = 'ward_action_invocations_total') =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith(`${metric}{`));
  const counts = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      (await series()).map((line) => [/action="([^"]*)"/.exec(line)?.[1], Number(line.split(' ').at(-1))]),
    );
  return { call, series, counts, wait: (ms: number) => (clock += ms) };
}

test('a namespace that calls many actions takes series from nobody else', async () => {
  const { call, counts, series } = start(3);
  for (let at = 0; at < 5_000; at++) call(`a${at}`);
  call('quiet', 'other');
  expect(await counts()).toEqual({
    ...{ '/guest/a0': 1, '/guest/a1': 1, '/guest/a2': 1 },
    ...{ '(others)': 4_997, '/other/quiet': 1 },
  });
  expect(await series('ward_action_cold_starts_total')).toHaveLength(5);
  expect(await series('ward_action_duration_seconds_count')).toHaveLength(5);
});

test('an action that was not called for an hour gives its series to another one', async () => {
  const { call, counts, series, wait } = start(2);
  call('old', 'guest', 'application error');
  call('kept');
  wait(hour - 1);
  call('kept');
  call('new');
  expect(await counts()).toEqual({ '/guest/old': 1, '/guest/kept': 2, '(others)': 1 });
  wait(1);
  call('new');
  expect(await counts()).toEqual({ '/guest/new': 1, '/guest/kept': 2, '(others)': 1 });
  for (const metric of ['ward_action_cold_starts_total', 'ward_action_duration_seconds_bucket']) {
    expect(await series(metric)).not.toContainEqual(expect.stringContaining('/guest/old'));
  }
});

test('without the setting there are none', async () => {
  const figures = createFigures('test');
  expect(await figures.text()).not.toContain('ward_action_');
});
