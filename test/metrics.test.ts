/** `/metrics` of a real server, as Prometheus and the dashboard read it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../src/lib/index.ts';
import { createFigures } from '../src/server/platform/metrics/figures.ts';
import { dashboardQueries, documentedMetrics, metricsOf } from './docs/metrics-document.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();
let ward: Ward;

beforeAll(async () => {
  if (missing !== undefined) return;
  ward = await Ward.start({ metrics: { actionsPerNamespace: 2 } });
  for (const name of ['a', 'b', 'c']) {
    await ward.deploy(name, 'exports.main = () => ({})');
    expect((await ward.invoke(name)).status).toBe(200);
  }
});
afterAll(async () => {
  await ward?.[Symbol.asyncDispose]();
});

/** With those that only nodes of a cluster have. */
async function read(): Promise<string> {
  const { body } = await ward.request('GET', '/metrics');
  const figures = createFigures('1.2.3');
  figures.watchNodes(() => []);
  const ofNodes = (await figures.text())
    .split('\n')
    .filter((line) => /^# \w+ ward_nodes?(?:_\w+)? /.test(line));
  return `${body}${ofNodes.join('\n')}\nward_nodes 0\n`;
}

/** Metrics with their types. */
async function servedTypes(): Promise<ReadonlyMap<string, string>> {
  const types = (await read()).matchAll(/^# TYPE (\S+) (\S+)$/gm);
  return new Map([...types].map((match) => [match[1] ?? '', match[2] ?? '']));
}

describe.skipIf(missing !== undefined)(`metrics${missing ? ` (${missing})` : ''}`, () => {
  it('are those of the document', async () => {
    const names = [...(await servedTypes()).keys()].filter((name) => name.startsWith('ward_'));
    expect(names.toSorted()).toEqual([...documentedMetrics().keys()].toSorted());
  });

  it('are those of the dashboard', async () => {
    const types = await servedTypes();
    for (const query of dashboardQueries()) {
      for (const name of metricsOf(query)) expect(types.has(name), name).toBe(true);
      if (query.includes('_bucket')) expect(types.get(metricsOf(query)[0] ?? '')).toBe('histogram');
      const rated = /\b(?:rate|increase)\((\w+_total)\b/.exec(query)?.[1];
      if (rated !== undefined) expect(types.get(rated)).toBe('counter');
    }
  });

  it('promtool has no complaint about', async ({ skip }) => {
    const result = await runCommand(['promtool', 'check', 'metrics'], { input: await read() }).catch(() =>
      skip(),
    );
    expect(result).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('of actions are for as many of a namespace as the operator allows', async () => {
    const lines = (await read())
      .split('\n')
      .filter((line) => line.startsWith('ward_action_invocations_total'));
    expect(lines.toSorted()).toEqual(
      ['(others)', '/guest/a', '/guest/b'].map(
        (action) => `ward_action_invocations_total{namespace="guest",action="${action}",status="success"} 1`,
      ),
    );
  });
});
