/** What holds for the manifests as a whole, beyond what the types and the Pod Security Standard say. */
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtempDisposable, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import type { ConfigMap } from 'kubernetes-types/core/v1.js';
import type { NetworkPolicy } from 'kubernetes-types/networking/v1.js';
import { expect, onTestFinished, test, vi } from 'vitest';
import { parse } from 'yaml';
import { upCommand } from '../../src/cli/commands/platform.ts';
import { authorityFile as authorityIn, makeAuthority, openAuthority } from '../../src/cluster/authority.ts';
import { runCommand } from '../../src/lib/index.ts';
import { loadConfig } from '../../src/server/config/config.ts';
import { dataPaths } from '../../src/server/instance/instance.ts';
import { joinRequestOf } from '../../src/server/processes/join-options.ts';
import { closeMs } from '../../src/server/processes/until-signal.ts';
import { readSecrets } from '../../src/server/secrets/secrets.ts';
import { columnsOf, plain, readText, root, tableOf } from '../../test/docs/markdown.ts';
import { allObjects, nameOf, type Workload, workloadsIn } from './manifests.fixture.ts';
import { folderScript } from './objects/api.ts';
import { apiFolder } from './objects/config.ts';
import type { KubernetesObject } from './objects/files.ts';
import { startScript } from './objects/invoker.ts';
import { authorityFile, blobsSecretFolder, blobsSecretScript } from './objects/secrets.ts';
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

test('an invoker takes the name of its node, and the file with the token for it or for all, if there is one', async () => {
  await using scratch = await mkdtempDisposable(join(tmpdir(), 'ward-invoker-pod-'));
  const [left, tokens] = [join(scratch.path, 'ready'), join(scratch.path, 'join')];
  await writeFile(left, '');
  const { secret } = invoker.spec.template.spec.volumes?.find(({ name }) => name === 'join') ?? {};
  const give = (files: Record<string, string>) => mountSecret(tokens, files, secret?.defaultMode);
  const script = startScript
    .replaceAll('/etc/ward/join', tokens)
    .replaceAll('/var/lib/ward/invoker', scratch.path)
    .replaceAll('/opt/ward', root);
  const start = async (node: string, program: string, ...words: readonly string[]) => {
    const env = { PATH: process.env['PATH'], KUBERNETES_NODE: node };
    const argv = ['/bin/sh', '-euc', script, 'ward', 'sh', '-c', program, ...words];
    const { code, stdout } = await runCommand(argv, { env });
    expect(code).toBe(0);
    return stdout.trim().split('\n');
  };
  const wordsOf = (node: string) => start(node, 'echo "$WARD_NODE $*"', 'ward', 'up');
  await give({ 'worker-1_example': 'one\n' });
  const [own, forAll] = [join(tokens, 'worker-1_example'), join(tokens, 'all.nodes')];
  expect(await wordsOf('worker-1.example')).toEqual([`worker-1_example up --token-file ${own}`]);
  // A killed invoker left it, and this one is not ready yet.
  expect(existsSync(left)).toBe(false);
  expect(await wordsOf('worker-2')).toEqual(['worker-2 up']);
  await give({ 'worker-1_example': 'one\n', 'all.nodes': 'for all\n' });
  expect(await wordsOf('worker-2')).toEqual([`worker-2 up --token-file ${forAll}`]);
  expect(await wordsOf('worker-1.example')).toEqual([`worker-1_example up --token-file ${own}`]);
  const request = { role: 'invoker', join: ['https://a.example'], tokenFile: own } as const;
  expect(joinRequestOf(request, {})).toMatchObject({ token: 'one' });
  expect((await start('worker-2', 'env')).filter((line) => line.includes('for all'))).toEqual([]);
  // Ward is a child of the first process, which stays in the container's own namespaces.
  const [parent] = await start('worker-2', 'tr "\\0" " " < /proc/$PPID/cmdline');
  expect(parent).toMatch(/supervise\.sh outside sh -c/);
});

test('an API pod reads its secrets from files, as Kubernetes mounts them for its group', async () => {
  await using scratch = await mkdtempDisposable(join(tmpdir(), 'ward-api-secrets-'));
  const { env = [], volumeMounts = [] } = api.spec.template.spec.containers[0] ?? {};
  const { mountPath = '' } = volumeMounts.find(({ name }) => name === 'credentials') ?? {};
  const { projected } = api.spec.template.spec.volumes?.find(({ name }) => name === 'credentials') ?? {};
  const contents: Record<string, string> = {
    'ward-vault keys': `k1:${Buffer.alloc(32).toString('base64')}\n`,
    'ward-store pgpass': '*:*:*:*:of the database\n',
    'ward-blobs credentials': '[default]\naws_access_key_id = one\naws_secret_access_key = two\n',
  };
  const files = (projected?.sources ?? []).flatMap(({ secret }) =>
    (secret?.items ?? []).map(({ key, path }) => [path, contents[`${secret?.name} ${key}`] ?? '']),
  );
  const folder = join(scratch.path, 'credentials');
  // With `fsGroup`, the kubelet adds 0440.
  await mountSecret(folder, Object.fromEntries(files), (projected?.defaultMode ?? 0o644) | 0o440);
  const configFile = join(scratch.path, 'ward.yaml');
  const metricsToken = join(scratch.path, 'token');
  await writeFile(metricsToken, 'a'.repeat(24));
  await writeFile(
    configFile,
    defaultSettings.api.config.replaceAll(mountPath, folder).replace('/etc/ward/metrics/token', metricsToken),
  );
  const variable = (name: string) =>
    env.find((each) => each.name === name)?.value?.replace(mountPath, folder);
  const config = await loadConfig(
    { configFile },
    { WARD_STORE: `postgres://ward@db.example/ward?passfile=${join(folder, 'store')}` },
  );
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('CREDENTIALS_DIRECTORY', variable('CREDENTIALS_DIRECTORY'));
  expect(await readSecrets(config, {})).toMatchObject({
    parameterKeys: { lines: [contents['ward-vault keys']?.trim()] },
    storePassword: 'of the database',
  });
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', variable('AWS_SHARED_CREDENTIALS_FILE'));
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE'])
    vi.stubEnv(name, undefined);
  expect(await new S3Client({ region: 'a' }).config.credentials()).toMatchObject({
    ...{ accessKeyId: 'one', secretAccessKey: 'two' },
  });
});

test('an API pod does not start with a Secret of the bucket that has other keys, and says which it lacks', async () => {
  await using scratch = await mkdtempDisposable(join(tmpdir(), 'ward-api-blobs-'));
  const folder = join(scratch.path, 'blobs');
  const [container] = api.spec.template.spec.initContainers ?? [];
  const mount = container?.volumeMounts?.find(({ mountPath }) => mountPath === blobsSecretFolder);
  const volume = api.spec.template.spec.volumes?.find(({ name }) => name === mount?.name);
  expect(volume?.secret).toMatchObject({ secretName: 'ward-blobs', optional: true });
  expect(container?.command?.at(-1)).toContain(blobsSecretScript);
  const script = blobsSecretScript.replaceAll(blobsSecretFolder, folder);
  const start = async (files: Readonly<Record<string, string>>) => {
    await mountSecret(folder, files);
    return runCommand(['/bin/sh', '-euc', script]);
  };
  expect(await start({ 'access-key-id': 'one', 'secret-access-key': 'two' })).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /The Secret ward-blobs lacks the key credentials.*: access-key-id secret-access-key/,
    ),
  });
  expect(await start({ 'access-key-id': 'one', credentials: '[default]' })).toMatchObject({
    code: 0,
    stderr: '',
  });
  // Without a Secret, the folder is empty.
  expect(await start({})).toMatchObject({ code: 0, stderr: '' });
});

test('no variable has a secret but the URLs, and no file of a secret is for all users', () => {
  const variables = workloads.flatMap(({ spec }) =>
    spec.template.spec.containers.flatMap(({ env = [] }) =>
      env.filter(({ valueFrom }) => valueFrom?.secretKeyRef !== undefined).map(({ name }) => name),
    ),
  );
  expect([...new Set(variables)]).toEqual(['WARD_STORE', 'WARD_BUS']);
  const modes = workloads.flatMap(({ spec }) =>
    (spec.template.spec.volumes ?? [])
      .map(({ secret, projected }) => secret ?? projected)
      .filter((each) => each !== undefined)
      .map(({ defaultMode }) => defaultMode),
  );
  expect(modes).toEqual(modes.map(() => 0o400));
  expect(modes).toHaveLength(8);
});

test('an invoker is ready while it has the file that says so, so the next one is not replaced before', () => {
  const [container] = invoker.spec.template.spec.containers;
  const { ready } = dataPaths(String(variablesOf(invoker)['WARD_DATA']));
  expect(container?.readinessProbe?.exec?.command).toEqual(['/usr/bin/test', '-e', ready]);
});

test('an invoker gets no address and no key of a database or of blobs', () => {
  const names = invoker.spec.template.spec.containers[0]?.env?.map(({ name }) => name);
  expect(names).toContain('WARD_JOIN');
  expect(names?.filter((name) => /STORE|BLOBS|BUS|AWS|KEYS|TOKEN/.test(name))).toEqual([]);
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
    Object.entries(each).map(([name, value]) => [`${group}.${name}`, value] as const),
  );
  expect(rows.map(([value = '']) => plain(value))).toEqual(values.map(([name]) => name));
  // The document describes lists, objects and files in words.
  const simple = values.filter(([, value]) => typeof value !== 'object' && !String(value).includes('\n'));
  expect(simple.length).toBeGreaterThan(20);
  const defaults = columnsOf(tableOf(readText('docs/kubernetes.md'), 'value'), 'value', 'default');
  for (const [name, value] of simple) {
    const [told = '', ...more] = (defaults[name] ?? '').split('…');
    expect(more.length > 0 ? String(value).slice(0, told.length) : String(value), name).toBe(told);
  }
});

/** As the kubelet does: the files are links into a folder that it replaces as a whole. */
async function mountSecret(
  folder: string,
  files: Readonly<Record<string, string>>,
  mode = 0o644,
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, '..first'), { recursive: true });
  await symlink('..first', join(folder, '..data'));
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, '..first', name), text, { mode });
    await symlink(join('..data', name), join(folder, name));
  }
}

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

/** Secrets that pods see as a whole. */
const keysOfWhole: Readonly<Record<string, readonly string[]>> = {
  'ward-blobs': ['credentials'],
  'ward-join': ['all.nodes, or one for each node'],
};

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
    ...volumes.flatMap(({ projected }) =>
      (projected?.sources ?? []).flatMap(({ secret }) =>
        (secret?.items ?? []).map(({ key }) => `${secret?.name} ${key}`),
      ),
    ),
    ...volumes.flatMap(({ secret }) => {
      if (secret === undefined) return [];
      const keys = secret.items?.map(({ key }) => key) ?? keysOfWhole[secret.secretName ?? ''] ?? [];
      return keys.map((key) => `${secret.secretName} ${key}`);
    }),
  ];
}
