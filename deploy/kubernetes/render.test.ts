import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import { expect, test } from 'vitest';
import { chartTemplates, chartValues, renderChart } from './chart.fixture.ts';
import { allObjects, objectsIn, sorted } from './manifests.fixture.ts';
import type { ServiceMonitor } from './objects/monitoring.ts';
import { defaultSettings } from './objects/settings.ts';
import { folder, renderFiles } from './render.ts';
import { valuesSchema } from './values-schema.ts';

const rendered = renderFiles();

test('the committed files are those that the objects give', () => {
  const committed = globSync(['kustomize/**/*.yaml', 'chart/values.*', 'chart/templates/*'], {
    cwd: folder,
  })
    .filter((path) => !path.endsWith('kustomization.yaml'))
    .map((path): [string, string] => [path, readFileSync(join(folder, path), 'utf8')]);
  const hint = 'run npm run deploy:render';
  expect(committed.map(([path]) => path).toSorted(), hint).toEqual([...rendered.keys()].toSorted());
  for (const [path, text] of committed) expect(text, `${path}: ${hint}`).toBe(rendered.get(path));
});

test('a reader of YAML 1.1 gets the same objects', () => {
  const texts = [...rendered].filter(([path]) => path.startsWith('kustomize/'));
  expect(texts.flatMap(([, text]) => objectsIn(text))).toEqual(JSON.parse(JSON.stringify(allObjects())));
});

test('a field that Kubernetes does not have is an error of the types', () => {
  const deployment: Deployment = {
    spec: {
      selector: {},
      template: {
        spec: {
          containers: [],
          // @ts-expect-error: it is called hostPID
          hostPid: true,
        },
      },
    },
  };
  const endpoint: ServiceMonitor['spec']['endpoints'][number] = {
    ...{ port: 'http', path: '/metrics', interval: '30s' },
    authorization: { type: 'Bearer', credentials: { name: 'a', key: 'b' } },
    // @ts-expect-error: it is called authorization
    bearerToken: 'c',
  };
  expect([deployment, endpoint]).toHaveLength(2);
});

/** All components, or none. */
function withComponents(enabled: boolean) {
  const values = structuredClone(chartValues());
  for (const group of ['autoscaling', 'monitoring', 'sandboxEgress', 'ingress', 'namespaces'])
    Object.assign(values[group] ?? {}, group === 'namespaces' ? { create: enabled } : { enabled });
  return values;
}

test('the chart gives the objects of kustomize', () => {
  const expected = JSON.parse(JSON.stringify(allObjects(defaultSettings, ['base'])));
  expect(sorted(renderChart(chartValues()))).toEqual(sorted(expected));
});

test('the chart with everything adds the components, and leaves the number of API nodes to the autoscaler', () => {
  const all = JSON.parse(JSON.stringify(allObjects()));
  for (const object of all) if (object.kind === 'StatefulSet') delete object.spec.replicas;
  expect(sorted(renderChart(withComponents(true)))).toEqual(sorted(all));
});

test('the chart with as little as possible has neither namespaces nor Ingress', () => {
  const kinds = renderChart(withComponents(false)).map(({ kind }) => kind);
  expect(kinds).not.toContain('Namespace');
  expect(kinds).not.toContain('Ingress');
  expect(kinds).toContain('StatefulSet');
});

const switches = ['create', 'enabled'];
const paths = Object.entries(defaultSettings).flatMap(([group, values]) =>
  Object.keys(values)
    .filter((name) => !switches.includes(name))
    .map((name): [string, string] => [group, name]),
);

test('each value reaches an object', () => {
  const textAt = (path: string) => `was "${path}": @@ {`;
  // With and without the autoscaler: either it or the StatefulSet has the number of API nodes.
  const rendered = [true, false].map((enabled) => {
    const values = withComponents(true);
    for (const [group, name] of paths)
      Object.assign(values[group] ?? {}, { [name]: textAt(`${group}.${name}`) });
    Object.assign(values['autoscaling'] ?? {}, { enabled });
    return JSON.stringify(renderChart(values));
  });
  const text = rendered.join();
  const lost = paths
    .map((path) => path.join('.'))
    .filter((path) => !text.includes(JSON.stringify(textAt(path))));
  expect(lost).toEqual([]);
});

test('the schema of the values finds unknown names and wrong types', () => {
  const validate = new Ajv().compile(valuesSchema(defaultSettings));
  const isValid = (changes: Record<string, object>) => {
    const values = structuredClone(chartValues());
    for (const [group, change] of Object.entries(changes)) values[group] = { ...values[group], ...change };
    return validate(values);
  };
  expect(isValid({})).toBe(true);
  expect(isValid({ global: {}, invoker: { nodeSelector: { pool: 'a' } } })).toBe(true);
  expect(isValid({ engines: { storePeers: [] }, invoker: { tolerations: [] } })).toBe(true);
  expect(isValid({ image: { nam: 'a' } })).toBe(false);
  expect(isValid({ imgae: { name: 'a' } })).toBe(false);
  expect(isValid({ api: { replicas: 'two' } })).toBe(false);
  expect(isValid({ autoscaling: { enabled: 'yes' } })).toBe(false);
  expect(
    isValid({ ingress: { annotations: { 'nginx.ingress.kubernetes.io/proxy-buffering': false } } }),
  ).toBe(false);
});

test('no value stands inside of a longer text', () => {
  for (const [name, text] of chartTemplates()) {
    expect(text, name).not.toContain('@@');
    for (const line of text.split('\n'))
      if (line.includes('{{ '))
        expect(line).toMatch(/^(?: *- ?| *)(?:[\w./-]+: )?(?:- )?\{\{ toJson \.Values\.\w+\.\w+ \}\}$/);
  }
});
