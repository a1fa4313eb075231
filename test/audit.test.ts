/**
 * Each way to change something leaves its entry in the audit log. The lists below must name every route and every
 * operator's command that there is: a new one fails the test until it is in a list.
 */
import { createHash } from 'node:crypto';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandsOf } from '../src/cli/command-spec.ts';
import { runInFolder, runInProcess } from '../src/cli/in-process.fixture.ts';
import { Input } from '../src/cli/input.ts';
import { entries } from '../src/cli/registry.ts';
import { makeAuthority } from '../src/cluster/index.ts';
import { silentLog } from '../src/lib/index.ts';
import { loadConfig } from '../src/server/config/config.ts';
import { dataPaths } from '../src/server/instance/instance.ts';
import { echoDispatcher } from '../src/server/platform/echo-dispatcher.fixture.ts';
import { startPlatform } from '../src/server/platform/platform.ts';
import { readSecrets } from '../src/server/secrets/secrets.ts';
import { type DeliveryRow, openStore } from '../src/store/index.ts';

const stack = new AsyncDisposableStack();
const routes: string[] = [];
let folder: string;
let env: NodeJS.ProcessEnv;
let url: string;
let key: string;
let server: AsyncDisposable;

beforeAll(async () => {
  folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'ward-audit-'))).path;
  const dataDir = join(folder, 'data');
  env = { PATH: process.env['PATH'], WARD_DATA: dataDir, WARD_IMAGES: join(folder, 'images') };
  await makeAuthority(join(dataDir, 'cluster'));
  const config = await loadConfig({ listen: '127.0.0.1:0' }, env);
  const rooms = { role: 'api', dispatcher: echoDispatcher } as const;
  const platform = await startPlatform(config, silentLog, await readSecrets(config, env), rooms, {
    onRoute({ method, url: path }) {
      if (!['GET', 'HEAD', 'OPTIONS'].includes(method)) routes.push(`${method} ${path.replace(/\/$/, '')}`);
    },
  });
  server = platform;
  ({ url } = platform);
  key = (await readFile(dataPaths(dataDir).guestKey, 'utf8')).trim();
});
afterAll(() => stack.disposeAsync());

interface Call {
  readonly path: string;
  readonly body?: object;
  readonly bytes?: string;
  readonly type?: string;
  /** `create-action /guest/a`; absent: a step on the way. */
  readonly entry?: string;
}

const callsAction = 'calls an action';
const api = '/api/v1/namespaces/_';
const code = { exec: { kind: 'nodejs:default', code: 'const main = () => ({})' } };
const digestOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const empty = 'application/vnd.oci.empty.v1+json';
const blob = { mediaType: empty, digest: digestOf('{}'), size: 2 };
const manifest = JSON.stringify({
  ...{ schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json' },
  ...{ artifactType: 'application/vnd.dev.example', config: blob, layers: [blob] },
});
const letter = 'f'.repeat(32);
const push = { bytes: manifest, type: 'application/vnd.oci.image.manifest.v1+json' };
const feed = { lifecycleEvent: 'CREATE', triggerName: '/_/t', minutes: 60 };

/** In the order in which they are called. A text says why a route changes nothing that the log must name. */
const changing: Readonly<Record<string, readonly Call[] | string>> = {
  'PUT /api/v1/namespaces/:ns/packages/:name': [
    { path: `${api}/packages/p`, body: {}, entry: 'create-package /guest/p' },
    { path: `${api}/packages/p?overwrite=true`, body: { publish: true }, entry: 'update-package /guest/p' },
  ],
  'PUT /api/v1/namespaces/:ns/actions/:name': [
    { path: `${api}/actions/a`, body: code, entry: 'create-action /guest/a' },
    { path: `${api}/actions/a?overwrite=true`, body: code, entry: 'update-action /guest/a' },
  ],
  'PUT /api/v1/namespaces/:ns/actions/:name/:inner': [
    { path: `${api}/actions/p/a`, body: code, entry: 'create-action /guest/p/a' },
  ],
  'PUT /api/v1/namespaces/:ns/triggers/:name': [
    { path: `${api}/triggers/t`, body: {}, entry: 'create-trigger /guest/t' },
  ],
  'PUT /api/v1/namespaces/:ns/rules/:name': [
    {
      path: `${api}/rules/r`,
      body: { trigger: '/_/t', action: '/_/a' },
      entry: 'create-rule /guest/r',
    },
  ],
  'POST /api/v1/namespaces/:ns/rules/:name': [
    { path: `${api}/rules/r`, body: { status: 'inactive' }, entry: 'update-rule /guest/r' },
  ],
  // Ward's own actions change event sources and APIs.
  'POST /api/v1/namespaces/:ns/actions/:name/:inner': [
    {
      path: '/api/v1/namespaces/whisk.system/actions/alarms/interval?blocking=true',
      body: feed,
      entry: 'create-feed /guest/t',
    },
    {
      path: '/api/v1/namespaces/whisk.system/actions/alarms/interval?blocking=true',
      body: { ...feed, lifecycleEvent: 'DELETE' },
      entry: 'delete-feed /guest/t',
    },
  ],
  'POST /api/v1/namespaces/:ns/actions/:name': callsAction,
  'POST /api/v1/namespaces/:ns/triggers/:name': callsAction,
  'DELETE /api/v1/namespaces/:ns/rules/:name': [{ path: `${api}/rules/r`, entry: 'delete-rule /guest/r' }],
  'DELETE /api/v1/namespaces/:ns/triggers/:name': [
    { path: `${api}/triggers/t`, entry: 'delete-trigger /guest/t' },
  ],
  'DELETE /api/v1/namespaces/:ns/actions/:name/:inner': [
    { path: `${api}/actions/p/a`, entry: 'delete-action /guest/p/a' },
  ],
  'DELETE /api/v1/namespaces/:ns/actions/:name': [
    { path: `${api}/actions/a`, entry: 'delete-action /guest/a' },
  ],
  'DELETE /api/v1/namespaces/:ns/packages/:name': [
    { path: `${api}/packages/p`, entry: 'delete-package /guest/p' },
  ],
  'DELETE /ward/v1/namespaces/:ns/dead-letters/:id': [
    { path: `/ward/v1/namespaces/_/dead-letters/${letter}`, entry: `delete-dead-letter /guest/${letter}` },
  ],
  'POST /ward/v1/namespaces/:ns/dead-letters/:id/replay':
    'src/functions/triggers/deliveries.test.ts has its entry',
  'PUT /runtime/namespaces/:ns/logForwarding': [
    {
      path: '/runtime/namespaces/_/logForwarding',
      body: { adobe_io_runtime: {} },
      entry: 'set-settings /guest',
    },
  ],
  'POST /v2/*': [{ path: `/v2/guest/app/blobs/uploads/?digest=${blob.digest}`, bytes: '{}' }],
  'PUT /v2/*': [{ path: '/v2/guest/app/manifests/v1', ...push, entry: 'push guest/app:v1' }],
  'PATCH /v2/*': 'a part of a blob, which is no change before a manifest names it',
  'DELETE /v2/*': [
    { path: '/v2/guest/app/manifests/v1', entry: 'delete-tag guest/app:v1' },
    {
      path: `/v2/guest/app/manifests/${digestOf(manifest)}`,
      entry: `delete-manifest guest/app@${digestOf(manifest)}`,
    },
    { path: `/v2/guest/app/blobs/${blob.digest}`, entry: `delete-blob guest/app@${blob.digest}` },
  ],
  ...Object.fromEntries(
    ['POST', 'PUT', 'PATCH', 'DELETE'].map((method) => [`${method} /v2`, 'no such method']),
  ),
  ...Object.fromEntries(
    ['POST', 'PUT', 'PATCH', 'DELETE'].flatMap((method) => [
      [`${method} /api/v1/web/*`, callsAction],
      [`${method} /apis/*`, callsAction],
    ]),
  ),
  ...Object.fromEntries(
    ['POST', 'PUT', 'PATCH', 'DELETE'].map((method) => [`${method} /*`, 'calls an action at a domain']),
  ),
  'PUT /ward/v1/domains/:name': [
    {
      path: '/ward/v1/domains/shop.example',
      body: { package: 'p' },
      entry: 'create-domain /guest/shop.example',
    },
    {
      path: '/ward/v1/domains/shop.example',
      body: { api: '/v1' },
      entry: 'update-domain /guest/shop.example',
    },
  ],
  'POST /ward/v1/domains/:name/verify': 'needs DNS: the store’s tests have its entries',
  'DELETE /ward/v1/domains/:name': [
    { path: '/ward/v1/domains/shop.example', entry: 'delete-domain /guest/shop.example' },
  ],
  ...Object.fromEntries(
    ['POST keys', 'DELETE keys/:id', 'DELETE members/:id/logins'].map((route) => [
      route.replace(' ', ' /ward/v1/'),
      'src/api/resources/keys.test.ts has its entry',
    ]),
  ),
  'POST /console/session': [{ path: '/console/session', entry: 'log-in /guest/KEY' }],
  'DELETE /console/session': [{ path: '/console/session', entry: 'log-out /guest/KEY' }],
  'POST /console/session/issuer': 'changes nothing: the browser keeps what it needs',
  'POST /console/session/choice': 'src/api/console/issuer-logins.test.ts has its entries',
  'POST /ward/v1/token': 'makes a key: src/api/resources/token.test.ts has its entry',
  'DELETE /ward/v1/token': 'deletes such a key',
  ...Object.fromEntries(
    [
      ...['POST ', 'DELETE /:ns', 'PUT /:ns/limits', 'POST /:ns/keys', 'DELETE /:ns/keys/:id'],
      'DELETE /:ns/members/:id/logins',
    ].map((route) => [
      route.replace(' ', ' /ward/v1/operator/namespaces'),
      'an operator changes it: src/api/console/operator-namespaces.test.ts has its entry',
    ]),
  ),
  'POST /ward/v1/operator/logouts': 'needs an operator: the store’s tests have its entries',
  'POST /ward/v1/operator/policy/preview': 'changes nothing',
  'POST /ward/v1/namespaces/:ns/calls/cancel': [
    {
      path: '/ward/v1/namespaces/_/calls/cancel',
      body: { activationIds: [letter, 'e'.repeat(32)] },
      entry: 'cancel-calls /guest',
    },
  ],
  'POST /webhooks/:token': 'fires a trigger',
  ...Object.fromEntries(
    ['POST /waivers', 'DELETE /waivers/:id', 'PUT /policy'].map((route) => [
      route.replace(' ', ' /ward/v1/operator'),
      'an operator changes it: src/server/gate/guarded-images.test.ts has its entry',
    ]),
  ),
  'POST /ward/v1/cluster/join': 'joins with a key pair: the store’s tests have its entry',
  'POST /ward/v1/cluster/renewal': 'gives a node that has joined a newer certificate',
};

test('every changing route has its entry, with the client, the request and digests', async () => {
  expect(Object.keys(changing).toSorted()).toEqual([...new Set(routes)].toSorted());
  await using store = await openStore({ path: dataPaths(env['WARD_DATA'] ?? '').database });
  await store.deliveries.add(deadLetter());
  const began = Date.now();
  const expected: { request: string | null; entry: string }[] = [];
  const [keyId = ''] = key.split(':');
  let cookie = '';
  for (const [route, calls] of Object.entries(changing)) {
    if (typeof calls === 'string') continue;
    for (const { path, entry, ...rest } of calls) {
      const isLogin = route === 'POST /console/session';
      const how = path.startsWith('/console') ? { ...rest, cookie, ...(isLogin && { body: { key } }) } : rest;
      const response = await send(route.split(' ')[0] ?? '', path, how);
      cookie = response.headers.get('set-cookie')?.split(';')[0] ?? cookie;
      const answer = await response.text();
      expect(response.ok, `${route} ${response.status} ${answer}`).toBe(true);
      if (entry !== undefined)
        expected.push({ request: response.headers.get('x-request-id'), entry: entry.replace('KEY', keyId) });
    }
  }
  const found = (await auditOf(`since=${began}&limit=200`)).entries.toReversed();
  const changes = found.filter(({ request }) => request !== undefined);
  const said = changes.map(({ request, event, name }) => ({ request, entry: `${event} ${name}` }));
  // Entries of the registry come from another database: the chain has each database’s in order.
  const isPush = ({ entry }: { entry: string }) => / guest\/app[:@]/.test(entry);
  for (const from of [isPush, (each: { entry: string }) => !isPush(each)])
    expect(said.filter(from)).toEqual(expected.filter(from));
  for (const { actor, from, namespace, event, before, after } of changes) {
    const isSession = String(event).startsWith('log-');
    expect({ actor, from, namespace }).toEqual({
      ...{ actor: isSession ? 'browser' : `guest ${keyId}`, from: '127.0.0.1', namespace: 'guest' },
    });
    if (isSession) continue;
    const has = [before, after].map((digest) => /^sha256:[0-9a-f]{64}$/.test(String(digest)));
    const [verb] = String(event).split('-');
    const isLetter = event === 'delete-dead-letter';
    const wanted = {
      create: [false, true],
      update: [true, true],
      delete: [!isLetter, false],
      push: [false, true],
      set: [true, true],
      cancel: [false, false],
    };
    expect(has, String(event)).toEqual(Reflect.get(wanted, verb ?? ''));
  }
});

test('reading parameters has an entry, the first time', async () => {
  const parameters = [{ key: 'token', value: 'secret' }];
  const made = { 'packages/kept': { parameters }, 'actions/kept/a': code, 'triggers/kept-t': { parameters } };
  for (const [path, body] of Object.entries(made)) await send('PUT', `${api}/${path}`, { body });
  const before = (await auditOf('limit=1')).entries[0]?.['seq'];
  for (const path of [...Object.keys(made), ...Object.keys(made)])
    expect((await send('GET', `${api}/${path}`)).status).toBe(200);
  const found = (await auditOf('limit=20')).entries.filter(({ seq }) => Number(seq) > Number(before));
  expect(found.toReversed().map(({ event, name, actor }) => [event, name, actor])).toEqual(
    ['package /guest/kept', 'action /guest/kept/a', 'trigger /guest/kept-t'].map((what) => [
      ...`read-${what}`.split(' '),
      `guest ${key.split(':')[0]}`,
    ]),
  );
});

test('a key reads only its own namespace’s entries, filtered and in pages', async () => {
  const made = await here('namespace', 'create', 'other', '-o', 'json');
  const other = JSON.parse(made.stdout).key;
  await send('PUT', `${api}/triggers/theirs`, { body: {}, by: other });
  const theirs = (await auditOf('', other)).entries;
  expect(theirs.map(({ event, name }) => `${event} ${name}`)).toEqual([
    'create-trigger /other/theirs',
    'create-namespace /other',
  ]);
  expect(JSON.stringify((await auditOf('limit=500')).entries)).not.toContain('/other');
  const first = await auditOf('limit=2&what=delete-*');
  const second = await auditOf(`limit=2&what=delete-*&before=${first.next}`);
  const seqs = [...first.entries, ...second.entries].map(({ seq }) => Number(seq));
  expect(seqs).toEqual(seqs.toSorted((a, b) => b - a));
  expect(new Set(seqs).size).toBe(4);
  expect((await auditOf('who=operator*')).entries).toEqual([]);
  // A namespace of the same name is another one.
  await here('namespace', 'delete', 'other');
  const again = JSON.parse((await here('namespace', 'create', 'other', '-o', 'json')).stdout).key;
  expect((await auditOf('', again)).entries).toMatchObject([{ event: 'create-namespace' }]);
  expect((await fetch(`${url}/ward/v1/audit`)).status).toBe(401);
});

test('with `after`, the entries come oldest first, in pages', async () => {
  const newest = (await auditOf('limit=500')).entries;
  const seqs: number[] = [];
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page = await auditOf(`limit=3&after=${after}`);
    seqs.push(...page.entries.map(({ seq }) => Number(seq)));
    after = page.next;
  }
  expect(seqs.length).toBeGreaterThan(6);
  expect(seqs).toEqual(newest.toReversed().map(({ seq }) => Number(seq)));
});

test('ward audit list and export show a key the entries of its namespace', async () => {
  const made = await here('namespace', 'create', 'audited', '-o', 'json');
  const own = JSON.parse(made.stdout).key;
  for (const name of ['one', 'two', 'three'])
    await send('PUT', `${api}/triggers/${name}`, { body: {}, by: own });
  const remote = (...words: string[]) =>
    runInProcess(words, { env: { WARD_APIHOST: url, WARD_AUTH: own, WSK_CONFIG_FILE: '/nonexistent' } });
  const listed = await remote('audit', 'list', '-o', 'json');
  expect(JSON.parse(listed.stdout)).toMatchObject(
    [
      ['create-namespace', '/audited'],
      ...['one', 'two', 'three'].map((name) => ['create-trigger', `/audited/${name}`]),
    ].map(([event, name]) => ({ event, name, namespace: 'audited' })),
  );
  expect(listed.stderr).toBe('');
  const [, second] = JSON.parse(listed.stdout);
  const found = await remote('audit', 'list', '--what', '*-trigger', '--limit', '1');
  expect(found.stdout).toContain('/audited/one');
  expect(found.stderr).toBe(`more with --after ${second.seq}\n`);
  const rest = await remote(
    'audit',
    'list',
    '--what',
    '*-trigger',
    '--after',
    String(second.seq),
    '-o',
    'name',
  );
  expect(rest.stdout.trim().split('\n')).toHaveLength(2);
  expect((await remote('audit', 'list', '--who', 'operator *')).stdout).toContain('create-namespace');
  expect(JSON.parse((await remote('audit', 'list', '--until', '1d', '-o', 'json')).stdout)).toEqual([]);
  const exported = await remote('audit', 'export');
  expect(exported.stderr).toBe('ok: exported 4 entries\n');
  // The same lines as in the operator's own copy.
  const here4 = await here('audit', 'export', '--namespace', 'audited');
  expect(exported.stdout).toBe(here4.stdout);
  const call = await here('namespace', 'key', 'create', 'audited', '--scope', 'invoke', '-o', 'json');
  expect(await remote('audit', 'list', '--auth', JSON.parse(call.stdout).key)).toMatchObject({
    ...{ code: 4, stdout: '', stderr: expect.stringContaining('error[NOT_AUTHORISED]') },
  });
});

/** A text says why a command leaves no entry; a list has its words, and its entry. */
const commands: Readonly<Record<string, string | readonly [words: string, entry: string]>> = {
  'namespace create': ['namespace create third', 'create-namespace /third'],
  'namespace limits': ['namespace limits third --concurrent 3', 'set-limits /third'],
  'namespace rotate-key': ['namespace rotate-key third', 'rotate-key /third'],
  'namespace key create': ['namespace key create third', 'create-key /third/*'],
  'namespace key delete': ['namespace key delete third KEY', 'delete-key /third/*'],
  'namespace delete': ['namespace delete third', 'delete-namespace /third'],
  'console login': ['console login', 'create-login operator'],
  'cluster init': ['cluster init', 'init-cluster authority'],
  'cluster nats-certificate': ['cluster nats-certificate a b', 'issue-certificate a b'],
  'node token': ['node token --name n1', 'create-join-token n1'],
  'node revoke-token': ['node revoke-token TOKEN', 'revoke-join-token n1'],
  'node drain': ['node drain n1 --no-wait', 'drain-node n1'],
  'node remove': ['node remove n1', 'remove-node n1'],
  'vault rotate': ['vault rotate --keep-key', 'rotate-vault parameters'],
  backup: ['backup b.tar.zst', 'backup b.tar.zst'],
  restore: ['restore b.tar.zst --replace', 'restore b.tar.zst'],
  fsck: 'noted like all commands with an entry of their own; its check takes long',
  'advisories update': ['advisories update --from ./none', 'update-advisories advisories'],
  'advisories import': ['advisories import ./none', 'import-advisories advisories'],
  'image delete': ['image delete nothing', 'delete-image nothing'],
  'policy set': ['policy set policy.yaml', 'set-policy policy.yaml'],
  'vex set': ['vex set lodash.json', 'set-vex vex'],
  'waiver create': ['waiver create gap --reason unused --until 2099-01-31', 'create-waiver gap'],
  'waiver delete': ['waiver delete WAIVER', 'delete-waiver gap'],
  // They fail here; what they were about to do is noted first.
  migrate: ['migrate --to folder', 'migrate databases'],
  'base build': 'noted like all commands with an entry of their own; it would build images',
  uninstall: 'noted like all commands with an entry of their own; it would remove this installation',
};

/** Those that work on this machine, and read. */
const reading = [
  ...['up', 'doctor', 'prove', 'policy show', 'policy test', 'advisories status', 'advisories sources'],
  ...['namespace key list', 'image build', 'image scan', 'cluster nats-config', 'node list', 'node show'],
  'node tokens',
  ...['audit verify', 'sandbox run', 'sandbox explain', 'sandbox violations'],
  'vault status',
  'waiver list',
  'vex list',
  'namespace calls',
];

test('every changing command of an operator has its entry', async () => {
  const local = commandsOf(entries).filter(
    ([, { works, dataFolder, entry }]) => works === 'local' || dataFolder === 'changes' || entry,
  );
  const known = [...Object.keys(commands), ...reading].filter((name) => name !== 'image delete');
  expect(local.map(([name]) => name).toSorted()).toEqual(known.toSorted());
  // Without a server, no command waits for it to notice.
  await server[Symbol.asyncDispose]();
  const changingHere = local
    .filter(([, { dataFolder, entry }]) => dataFolder === 'changes' || entry)
    .map(([name]) => name);
  expect(changingHere.filter((name) => reading.includes(name))).toEqual([]);
  await using store = await openStore({ path: dataPaths(env['WARD_DATA'] ?? '').database });
  await store.clusterNodes.note([{ name: 'n1', role: 'invoker', version: '1', figures: {}, ageMs: 0 }], {
    everyMs: 0,
  });
  await store[Symbol.asyncDispose]();
  await writeFile(join(folder, 'policy.yaml'), 'form: 1\n');
  await writeFile(join(folder, 'lodash.json'), '{"bomFormat": "CycloneDX", "vulnerabilities": []}');
  let keyId = '';
  let tokenId = '';
  let waiverId = '';
  const expected: string[] = [];
  for (const [name, step] of Object.entries(commands)) {
    const entryOf = commandsOf(entries).find(([words]) => words === name)?.[1].entry;
    if (typeof step === 'string') {
      expect(entryOf?.(new Input([], { repair: true })), name).toBeDefined();
      continue;
    }
    const [words, entry] = step;
    if (name === 'node remove') await joined('n1');
    const given = words.replace('KEY', keyId).replace('TOKEN', tokenId).replace('WAIVER', waiverId);
    const { stdout } = await here(...given.split(' '), '-o', 'json');
    if (name === 'namespace key create') keyId = String(JSON.parse(stdout).key).split(':')[0] ?? '';
    if (name === 'waiver create') waiverId = String(JSON.parse(stdout).id);
    if (name === 'node token') tokenId = String(JSON.parse(stdout).id);
    expected.push(entry);
  }
  const listed = JSON.parse(
    (await here('audit', 'list', '--all', '--who', 'operator *', '--limit', '1000', '-o', 'json')).stdout,
  );
  const found: string[] = listed.map(({ event, name }: Record<string, string>) => `${event} ${name}`);
  for (const entry of expected) {
    const pattern = new RegExp(`^${entry.replaceAll('*', '.*')}$`);
    expect(
      found.filter((each) => pattern.test(each)),
      entry,
    ).not.toEqual([]);
  }
  const uid = process.getuid?.();
  expect(listed).toMatchObject(
    listed.map(() => ({ actor: expect.stringMatching(new RegExp(`^operator ${uid} `)), from: 'local' })),
  );
  expect(await here('audit', 'verify')).toMatchObject({ code: 0 });
  const lines = (await here('audit', 'export', '--all', '--what', 'backup')).stdout.trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { event: 'backup', hash: expect.any(String) },
  ]);
});

function here(...words: string[]) {
  return runInFolder(words, { env, cwd: folder });
}

function send(
  method: string,
  path: string,
  how: Omit<Call, 'path' | 'entry'> & { by?: string; cookie?: string } = {},
) {
  const { body, bytes, type = 'application/json', by = key, cookie } = how;
  return fetch(`${url}${path}`, {
    method,
    headers: {
      ...(cookie === undefined
        ? { authorization: `Basic ${Buffer.from(by).toString('base64')}` }
        : { cookie, 'x-ward-console': '1', 'sec-fetch-site': 'same-origin' }),
      ...(body === undefined && bytes === undefined
        ? {}
        : { 'content-type': bytes === '{}' ? 'application/octet-stream' : type }),
    },
    ...(body === undefined && bytes === undefined ? {} : { body: bytes ?? JSON.stringify(body) }),
  });
}

async function auditOf(query: string, by = key) {
  const response = await send('GET', `/ward/v1/audit?${query}`, { by });
  const answer: { entries: Record<string, unknown>[]; next?: number } = Object(await response.json());
  return answer;
}

function deadLetter(): DeliveryRow {
  const document = {
    ...{ trigger: 't', action: { namespace: 'guest', name: 'a' }, transactionId: 'x', scope: 'invoke' },
    ...{
      retry: { attempts: 1, backoffMs: 1000, maxBackoffMs: 1000 },
      payload: 'x',
      isUnderWay: false,
      activationId: letter,
    },
  };
  return {
    ...{ id: letter, namespace: 'guest', rule: 'r', state: 'dead', attempt: 1, createdAt: 1, dueAt: 1 },
    document,
  };
}

async function joined(name: string): Promise<void> {
  await using store = await openStore({ path: dataPaths(env['WARD_DATA'] ?? '').database });
  const { members } = store;
  await members.addToken({ key: 'k', role: 'api', name, uses: 1, lifeMs: 60_000 });
  await members.join({ token: 'k', name, role: 'api', key: 'its', lifeMs: 60_000 });
}
