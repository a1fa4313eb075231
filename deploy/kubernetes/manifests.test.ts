/** What holds for the manifests as a whole, beyond what the types and the Pod Security Standard say. */
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtempDisposable, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigMap } from 'kubernetes-types/core/v1.js';
import type { NetworkPolicy } from 'kubernetes-types/networking/v1.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { upCommand } from '../../src/cli/commands/platform.ts';
import { authorityFile as authorityIn, makeAuthority, openAuthority } from '../../src/cluster/authority.ts';
import { runCommand } from '../../src/lib/index.ts';
import { loadConfig } from '../../src/server/config/config.ts';
import { dataPaths } from '../../src/server/instance/instance.ts';
import { closeMs } from '../../src/server/processes/until-signal.ts';
import { readText, root, tableOf } from '../../test/docs/markdown.ts';
import { allObjects, nameOf, type Workload, workloadsIn } from './manifests.fixture.ts';
import { folderScript } from './objects/api.ts';
import { apiFolder } from './objects/config.ts';
import type { KubernetesObject } from './objects/files.ts';
import { startScript } from './objects/invoker.ts';
import { authorityFile } from './objects/secrets.ts';
import { defaultSettings } from './objects/settings.ts';

const objects = allObjects();
const workloads = workloadsIn(objects);
const named = (name: string): Workload => {
  const found = workloads.find((each) => nameOf(each) === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
};
const api = named('StatefulSet ward/ward-api');
const invoker = named('DaemonSet ward-invokers/ward-invoker');
const policies = objects.filter((each): each is NetworkPolicy => each.kind === 'NetworkPolicy');

test('no two objects have one name', () => {
  expect(new Set(objects.map(nameOf)).size).toBe(objects.length);
});

test('no pod gets a token for the API of Kubernetes', () => {
  expect(workloads).toHaveLength(3);
  for (const each of workloads) {
    expect(each.spec.template.spec.automountServiceAccountToken, nameOf(each)).toBe(false);
    expect(each.spec.template.spec.enableServiceLinks, nameOf(each)).toBe(false);
  }
});

test('selectors find the pods of their workload, and no others', () => {
  const labels = workloads.map(({ spec }) => spec.template.metadata.labels);
  expect(new Set(labels.map((each) => JSON.stringify(each))).size).toBe(3);
  for (const [kind, path] of [
    ['Service', 'spec.selector'],
    ['PodDisruptionBudget', 'spec.selector.matchLabels'],
    ['ServiceMonitor', 'spec.selector.matchLabels'],
  ] as const)
    expect(objects.find((each) => each.kind === kind)).toHaveProperty(
      path,
      api.spec.template.metadata.labels,
    );
});

test.each(['api', 'invoker'] as const)('Ward accepts the configuration of the role %s', async (role) => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-manifests-'));
  const configFile = join(folder.path, 'ward.yaml');
  await writeFile(configFile, defaultSettings[role].config);
  const environment = variablesOf(role === 'api' ? api : invoker);
  const config = await loadConfig({ configFile }, environment);
  expect(config).toMatchObject({ dataDir: `/var/lib/ward/${role}`, apiHost: 'https://ward.example.org' });
  if (role === 'api')
    expect(config).toMatchObject({
      listen: { host: '0.0.0.0', port: 3233 },
      metrics: { tokenFile: '/etc/ward/metrics/token' },
    });
});

test('`ward up` knows the words of both roles', () => {
  const role = upCommand.options.find(({ flags }) => flags.startsWith('--role'));
  for (const each of [api, invoker]) {
    const [, ...words] = each.spec.template.spec.containers[0]?.args?.join(' ').split(/\bup /) ?? [];
    expect(words).toEqual([expect.stringMatching(/^--role (?:api|invoker)$/)]);
    expect(role?.choices).toContain(words[0]?.split(' ')[1]);
  }
});

test('an API pod makes its data folder, with an authority that Ward reads', async () => {
  await using scratch = await mkdtempDisposable(join(tmpdir(), 'ward-api-pod-'));
  const [disk, secret] = ['disk', 'secret'].map((name) => join(scratch.path, name)) as [string, string];
  const folder = join(disk, 'api');
  const script = folderScript.replaceAll(authorityFile, authorityIn(secret)).replaceAll(apiFolder, folder);
  const prepare = () => runCommand(['/bin/sh', '-euc', script]);
  await mkdir(disk);
  expect(await prepare()).toMatchObject({ code: 0, stderr: '' });
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect(() => openAuthority(join(folder, 'cluster'))).toThrow('no authority');

  // As Kubernetes mounts it: for the group, too.
  await mkdir(secret);
  const { authority } = await makeAuthority(secret);
  await chmod(authorityIn(secret), 0o440);
  expect(() => openAuthority(secret)).toThrow('other users can read');
  expect(await prepare()).toMatchObject({ code: 0, stderr: '' });
  expect(openAuthority(join(folder, 'cluster')).cluster).toBe(authority.cluster);

  // As Kubernetes changes the modes on a disk, and without the Secret.
  await rm(secret, { recursive: true });
  await chmod(authorityIn(join(folder, 'cluster')), 0o660);
  expect(await prepare()).toMatchObject({ code: 0, stderr: '' });
  expect(openAuthority(join(folder, 'cluster')).cluster).toBe(authority.cluster);
});

test('an invoker takes the name of its node, and the token for it or for all, if there is one', async () => {
  await using tokens = await mkdtempDisposable(join(tmpdir(), 'ward-invoker-pod-'));
  await writeFile(join(tokens.path, 'worker-1_example'), 'a token\n');
  const left = join(tokens.path, 'ready');
  await writeFile(left, '');
  const script = startScript
    .replaceAll('/etc/ward/join', tokens.path)
    .replaceAll('/var/lib/ward/invoker', tokens.path)
    .replaceAll('/opt/ward', root);
  const variables = async (node: string) => {
    const env = { PATH: process.env['PATH'], KUBERNETES_NODE: node };
    const { code, stdout } = await runCommand(['/bin/sh', '-euc', script, 'ward', 'env'], { env });
    expect(code).toBe(0);
    return stdout.split('\n').filter((line) => line.startsWith('WARD_'));
  };
  expect((await variables('worker-1.example')).toSorted()).toEqual([
    'WARD_JOIN_TOKEN=a token',
    'WARD_NODE=worker-1_example',
  ]);
  // A killed invoker left it, and this one is not ready yet.
  expect(existsSync(left)).toBe(false);
  expect(await variables('worker-2')).toEqual(['WARD_NODE=worker-2']);
  await writeFile(join(tokens.path, 'all.nodes'), 'for all\n');
  const tokenOf = async (node: string) => (await variables(node)).find((line) => line.includes('TOKEN'));
  expect(await tokenOf('worker-2')).toBe('WARD_JOIN_TOKEN=for all');
  expect(await tokenOf('worker-1.example')).toBe('WARD_JOIN_TOKEN=a token');
  // Ward is a child of the first process, which stays in the container's own namespaces.
  const argv = ['/bin/sh', '-euc', script, 'ward', 'sh', '-c', 'tr "\\0" " " < /proc/$PPID/cmdline'];
  const { stdout } = await runCommand(argv, { env: { PATH: process.env['PATH'], KUBERNETES_NODE: 'a' } });
  expect(stdout).toMatch(/supervise\.sh outside sh -c/);
});

test('an invoker is ready while it has the file that says so, so the next one is not replaced before', () => {
  const [container] = invoker.spec.template.spec.containers;
  const { ready } = dataPaths(String(variablesOf(invoker)['WARD_DATA']));
  expect(container?.readinessProbe?.exec?.command).toEqual(['/usr/bin/test', '-e', ready]);
});

test('an invoker gets no address and no key of a database or of blobs', () => {
  const names = invoker.spec.template.spec.containers[0]?.env?.map(({ name }) => name);
  expect(names).toContain('WARD_JOIN');
  expect(names?.filter((name) => /STORE|BLOBS|BUS|AWS|KEYS/.test(name))).toEqual([]);
});

test('Kubernetes waits longer for the end of a pod than Ward takes', () => {
  const stopMsOf = ({ config }: { readonly config: string }) => {
    const { stop } = parse(config) as { readonly stop: { readonly drainSeconds: number } };
    return stop.drainSeconds * 1000 + closeMs;
  };
  const { terminationGracePeriodSeconds: apiGrace = 0, containers } = api.spec.template.spec;
  const leave = Number(containers[0]?.lifecycle?.preStop?.exec?.command?.[1]);
  expect(apiGrace * 1000).toBeGreaterThan(leave * 1000 + stopMsOf(defaultSettings.api));
  expect((invoker.spec.template.spec.terminationGracePeriodSeconds ?? 0) * 1000).toBeGreaterThan(
    stopMsOf(defaultSettings.invoker),
  );
});

test('nobody connects to an invoker, and it does not listen', () => {
  const [container] = invoker.spec.template.spec.containers;
  expect(container?.ports).toBeUndefined();
  expect(rulesFor('ward-invoker')).toMatchObject({ ingress: [] });
});

test('an invoker reaches neither the database nor the blobs, an API node does', () => {
  const { storePort, blobsPort } = defaultSettings.engines;
  const ports = (name: string) => rulesFor(name).egress.flatMap((rule) => rule.ports ?? []);
  expect(ports('ward-api')).toContainEqual({ port: storePort, protocol: 'TCP' });
  expect(ports('ward-migrate')).toContainEqual({ port: storePort, protocol: 'TCP' });
  expect(ports('ward-api')).toContainEqual({ port: blobsPort, protocol: 'TCP' });
  for (const port of [storePort, blobsPort])
    expect(ports('ward-invoker')).not.toContainEqual({ port, protocol: 'TCP' });
});

test('each namespace denies by default, and no rule allows every address', () => {
  const { api: first, invokers } = defaultSettings.namespaces;
  for (const namespace of [first, invokers])
    expect(policies).toContainEqual(
      expect.objectContaining({
        metadata: expect.objectContaining({ name: 'default-deny', namespace }),
        spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
      }),
    );
  for (const { spec } of policies) {
    for (const { from } of spec?.ingress ?? []) expect(from).not.toEqual([]);
    for (const { to } of spec?.egress ?? []) expect(to).not.toEqual([]);
    expect(
      [...(spec?.ingress ?? []), ...(spec?.egress ?? [])].every((rule) => 'from' in rule || 'to' in rule),
    ).toBe(true);
  }
});

test('the document lists each Secret that a pod names, with its keys', () => {
  const { rows } = tableOf(readText('docs/kubernetes.md'), 'Secret');
  const told = rows.map(([secret = '', key = '', namespace = '']) =>
    [secret, key, namespace].map((cell) => cell.replaceAll('`', '')).join(' '),
  );
  const used = workloads.flatMap((each) =>
    secretsIn(each).map((secret) => `${secret} ${each.metadata?.namespace}`),
  );
  expect(told.toSorted()).toEqual([...new Set(used)].toSorted());
});

test('the document lists the values of the chart', () => {
  const { rows } = tableOf(readText('docs/kubernetes.md'), 'value');
  const values = Object.entries(defaultSettings).flatMap(([group, each]) =>
    Object.keys(each).map((name) => `${group}.${name}`),
  );
  expect(rows.map(([value = '']) => value.replaceAll('`', ''))).toEqual(values);
});

function rulesFor(name: string) {
  const spec = policies.find(({ metadata }) => metadata?.name === name)?.spec;
  return { ingress: spec?.ingress ?? [], egress: spec?.egress ?? [] };
}

/** Variables with a value of their own, or from a ConfigMap of the same namespace, which must have it. */
function variablesOf({ metadata, spec }: Workload & KubernetesObject): NodeJS.ProcessEnv {
  const { env = [] } = spec.template.spec.containers[0] ?? {};
  return Object.fromEntries(
    env.flatMap(({ name, value, valueFrom }) => {
      const { configMapKeyRef } = valueFrom ?? {};
      if (configMapKeyRef === undefined) return value === undefined ? [] : [[name, value]];
      const map = objects.find(
        (each): each is ConfigMap =>
          nameOf(each) === `ConfigMap ${metadata?.namespace}/${configMapKeyRef.name}`,
      );
      const found = map?.data?.[configMapKeyRef.key];
      if (found === undefined) throw new Error(`no ConfigMap has ${configMapKeyRef.key} for ${name}`);
      return [[name, found]];
    }),
  );
}

/** `ward-store url`. */
function secretsIn({ spec }: Workload & KubernetesObject): readonly string[] {
  const { containers, volumes = [] } = spec.template.spec;
  return [
    ...containers.flatMap(({ env = [] }) =>
      env.flatMap(({ valueFrom }) => {
        const ref = valueFrom?.secretKeyRef;
        return ref === undefined ? [] : [`${ref.name} ${ref.key}`];
      }),
    ),
    ...volumes.flatMap(({ secret }) => {
      if (secret === undefined) return [];
      const keys = secret.items?.map(({ key }) => key) ?? ['all.nodes, or one for each node'];
      return keys.map((key) => `${secret.secretName} ${key}`);
    }),
  ];
}
