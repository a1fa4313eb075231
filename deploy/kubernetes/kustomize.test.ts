import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { runCommand } from '../../src/lib/index.ts';
import { allObjects, namesOf, objectsIn, sandboxMiB, sorted, workloadsIn } from './manifests.fixture.ts';
import type { KubernetesObject } from './objects/files.ts';
import { podSecurityFindings } from './pod-security.ts';
import { folder } from './render.ts';

const base = allObjects(undefined, ['base']);

/** Skips the test without kustomize. @param place below `kustomize/` */
async function build(place: string, context: TestContext): Promise<readonly KubernetesObject[]> {
  const argv = ['kustomize', 'build', join(folder, 'kustomize', place)];
  const done = await runCommand(argv).catch(() => undefined);
  if (done === undefined) return context.skip('kustomize is not installed (apt-get install kustomize)');
  expect(done).toMatchObject({ code: 0, stderr: '' });
  return objectsIn(done.stdout);
}

/** What holds for every overlay. */
function expectSound(built: readonly KubernetesObject[]): void {
  const workloads = workloadsIn(built);
  expect(workloads).toHaveLength(3);
  for (const { kind, spec } of workloads)
    if (kind !== 'DaemonSet') expect(podSecurityFindings(spec.template.spec)).toEqual([]);
  const { granted, requested } = sandboxMiB(built);
  expect(requested).toBeGreaterThanOrEqual(granted + 1024);
}

test('the base is what the objects say', async (context) => {
  const built = await build('base', context);
  expect(sorted(built)).toEqual(JSON.parse(JSON.stringify(sorted(base))));
  expectSound(built);
});

test('the small overlay: one API node, less memory, no Ingress', async (context) => {
  const built = await build('overlays/small', context);
  expectSound(built);
  expect(namesOf(built)).toEqual(namesOf(base).filter((name) => name !== 'Ingress ward/ward-api'));
  expect(built.find(({ kind }) => kind === 'StatefulSet')).toHaveProperty('spec.replicas', 1);
});

test('the production overlay: by load, spread over zones, with metrics, no fixed number of API nodes', async (context) => {
  const built = await build('overlays/production', context);
  expectSound(built);
  const added = ['HorizontalPodAutoscaler ward/ward-api', 'ServiceMonitor ward/ward-api'];
  expect(namesOf(built)).toEqual([...namesOf(base), ...added].toSorted());
  expect(built.find(({ kind }) => kind === 'HorizontalPodAutoscaler')).toMatchObject({
    spec: { minReplicas: 3, maxReplicas: 12 },
  });
  const nodes = built.find(({ kind }) => kind === 'StatefulSet');
  expect(nodes).not.toHaveProperty('spec.replicas');
  expect(nodes).toHaveProperty(
    'spec.template.spec.topologySpreadConstraints.1.whenUnsatisfiable',
    'DoNotSchedule',
  );
});

test('the component for the egress of sandboxes adds one policy', async (context) => {
  const built = await build('components/sandbox-egress', context);
  expect(namesOf(built)).toEqual(['NetworkPolicy ward-invokers/ward-sandboxes']);
});
