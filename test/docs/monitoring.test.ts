/** The dashboard and the alert rules of docs/operations/ use metrics that are documented; promtool checks their queries. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { mustRun, runCommand } from '../../src/lib/index.ts';
import { readText, root } from './markdown.ts';
import { dashboardQueries, documentedMetrics, labelsOf, metricsOf } from './metrics-document.ts';

const alertsFile = 'docs/operations/alerts.yaml';
const alertTests = 'test/docs/alerts-test.yaml';
const { rules } = (parse(readText(alertsFile)) as { groups: [{ rules: { alert: string; expr: string }[] }] })
  .groups[0];
const queries = [...dashboardQueries(), ...rules.map(({ expr }) => expr)];
const metrics = documentedMetrics();
const hasPromtool = await runCommand(['promtool', '--version']).then(
  ({ code }) => code === 0,
  () => false,
);

test('there are queries', () => {
  expect(dashboardQueries().length).toBeGreaterThan(30);
  expect(rules.length).toBeGreaterThan(10);
});

test.each(queries)('%s uses documented metrics and labels', (query) => {
  const names = metricsOf(query);
  const own = names.filter((name) => name.startsWith('ward_'));
  for (const name of own) expect([...metrics.keys()]).toContain(name);
  // Prometheus adds `instance` and `job`, and a histogram has `le`.
  const known = ['instance', 'job', 'le', ...own.flatMap((name) => metrics.get(name) ?? [])];
  for (const label of labelsOf(query)) expect(known).toContain(label);
  if (names.length === 0) expect(query).toBe('up{job="ward"} == 0');
});

test('each alert has a test in which it fires', () => {
  const fired = readText(alertTests);
  for (const { alert } of rules) expect(fired).toMatch(new RegExp(`alertname(?:="|: )${alert}\\b`));
});

describe.skipIf(!hasPromtool)('promtool', () => {
  test('accepts the alert rules, and their tests', async () => {
    expect(await mustRun(['promtool', 'check', 'rules', alertsFile], { cwd: root })).toContain('SUCCESS');
    expect(await mustRun(['promtool', 'test', 'rules', alertTests], { cwd: root })).toContain('SUCCESS');
  });

  test('accepts the queries of the dashboard', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ward-dashboard-'));
    try {
      const file = join(folder, 'rules.yaml');
      const asRules = dashboardQueries().map((expr, at) => ({ record: `query:${at}`, expr }));
      await writeFile(file, stringify({ groups: [{ name: 'dashboard', rules: asRules }] }));
      const said = await mustRun(['promtool', 'check', 'rules', file]);
      expect(said).toContain(`${asRules.length} rules found`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
