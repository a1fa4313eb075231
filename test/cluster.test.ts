/** Servers as one Ward: PostgreSQL, NATS and an S3-compatible store between them, and real sandboxes. */
import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../src/blobs/index.ts';
import { manifestMediaType } from '../src/images/index.ts';
import { createSigner, imageWith } from '../src/server/gate/guarded.fixture.ts';
import { Cluster, type ClusterNode, type NodePlan } from './cluster/cluster.ts';
import { missingForCluster, startEngines } from './cluster/engines.ts';
import { deployHeld } from './held-action.ts';
import { runWard, type Ward } from './ward.ts';

const missing = await missingForCluster();

const quick = 'const main = ({ n }) => ({ n })';
const slow = `const main = ({ ms }) => {
  console.log('begun');
  return new Promise((done) => setTimeout(() => done({ ms }), ms));
}`;

describe.skipIf(missing !== undefined)(`a cluster${missing ? ` (${missing})` : ''}`, () => {
  const stack = new AsyncDisposableStack();
  let a: Ward;
  let b: Ward;
  let cluster: Cluster;
  let plan: (name: string, memoryMiB: number) => NodePlan;
  let store: string;

  beforeAll(async () => {
    const { settings } = stack.use(await startEngines());
    store = settings.store;
    plan = (name, memoryMiB) => ({
      ...{ name, role: 'all', settings },
      config: { invoker: { prewarm: [], memoryMiB } },
    });
    // The first one has room for one sandbox.
    cluster = stack.use(await Cluster.start([plan('a', 256), plan('b', 1024)]));
    [a, b] = [cluster.node('a').ward, cluster.node('b').ward];
    for (const [name, code] of Object.entries({ quick, slow })) await a.deploy(name, code);
  });
  afterAll(() => stack.disposeAsync());

  test('what is deployed on one is called on the other, and its record is there on both', async () => {
    const answer = await b.invoke('quick', { n: 1 });
    expect(answer).toMatchObject({ status: 200, body: { response: { result: { n: 1 } } } });
    for (const ward of [a, b])
      expect(await ward.activation(answer.body.activationId)).toMatchObject({ name: 'quick' });
  });

  test('a call for which the one has no room runs on the other', async () => {
    const before = b.sandboxStates().length;
    // A node that has just started is not heard at once.
    await a.until(async () => {
      const answers = await Promise.all([a.invoke('slow', { ms: 500 }), a.invoke('slow', { ms: 501 })]);
      expect(answers.map(({ body }) => body.response.result)).toEqual([{ ms: 500 }, { ms: 501 }]);
      return b.sandboxStates().length > before;
    });
  });

  test('a drained node finishes its calls, gives new ones away, and their logs can be followed', async () => {
    const node = (...words: string[]) =>
      runWard(['node', ...words, '--data', a.dataDir, '--config', `${a.dataDir}/config.yaml`]);
    const stateOf = async (name: string) => {
      const { nodes } = JSON.parse((await node('list', '-o', 'json')).stdout);
      return nodes.find((each: { readonly name: string }) => each.name === name)?.state;
    };
    const inUse = () => b.sandboxStates().filter((state) => state !== 'FROZEN').length;
    onTestFinished(async () => void (await node('drain', 'b', '--undo')));
    await b.until(() => inUse() === 0);
    const running = b.invoke('slow', { ms: 2500 });
    await b.until(() => inUse() > 0);
    const drained = await node('drain', 'b');
    const drainedAt = Date.now();
    expect(drained).toMatchObject({ code: 0, stderr: expect.stringContaining('nothing runs on node b') });
    const { body } = await running;
    expect(body.response.result).toEqual({ ms: 2500 });
    expect(body.end).toBeLessThanOrEqual(drainedAt);
    expect(await stateOf('b')).toBe('draining');
    const place = ['--data', a.dataDir, '--config', `${a.dataDir}/config.yaml`];
    const status = await runWard(['status', ...place], { env: { WARD_APIHOST: a.url } });
    expect(status).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^nodes +ready .*1 ready, 1 draining/m),
    });
    expect(status.stdout).toMatch(/^queue +empty +- +accepted calls: 0 wait; 0 run$/m);
    const before = b.sandboxStates().length;
    await b.deploy('new', slow);
    const called = await b.request('POST', '/api/v1/namespaces/_/actions/new', { body: { ms: 1500 } });
    const path = `/api/v1/namespaces/_/activations/${called.body.activationId}/stream`;
    const authorization = `Basic ${Buffer.from(b.auth).toString('base64')}`;
    const streams = [a, b].map(async (ward) => {
      const { body } = await fetch(`${ward.url}${path}`, { headers: { authorization } });
      return Array.fromAsync(body ?? [], (bytes) => Buffer.from(bytes).toString());
    });
    const [atA = [], atB = []] = await Promise.all(streams);
    for (const events of [atA, atB]) expect(events.join('')).toMatch(/begun[\s\S]*event: end/);
    // Lines come while it runs, also through the node that did not take the call.
    for (const events of [atA, atB])
      expect(events.find((each) => each.includes('begun'))).not.toContain('event: end');
    expect(b.sandboxStates().length).toBeLessThanOrEqual(before);
    expect((await node('drain', 'b', '--undo')).code).toBe(0);
    await b.until(async () => (await stateOf('b')) === 'ready');
  });

  test('a second server with the name of one that lives does not start, and nothing of the first is lost', async () => {
    const held = await deployHeld(b, 'kept');
    const accepted = await b.request('POST', '/api/v1/namespaces/_/actions/kept', { body: {} });
    await held.begun();
    const folder = await mkdtemp(join(tmpdir(), 'ward-same-name-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await chmod(folder, 0o711);
    for (const file of ['config.yaml', 'guest.auth'])
      await copyFile(join(b.dataDir, file), join(folder, file));
    const place = ['--data', folder, '--config', join(folder, 'config.yaml')];
    let hasEnded = false;
    const start = ['up', '--listen', '127.0.0.1:0', ...place];
    const second = runWard(start, { timeoutMs: 60_000 }).finally(() => {
      hasEnded = true;
    });
    const results: unknown[] = [];
    // So long that they stay below the limit of calls per minute.
    for (let n = 0; !hasEnded; n++)
      results.push((await (n % 2 === 0 ? b : a).invoke('slow', { ms: 1500 })).body.response?.result);
    const { code, stdout, stderr } = await second;
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/another node of the cluster has the name b\b[\s\S]*cluster\.node/),
    });
    expect(stdout).not.toMatch(/^ready/m);
    expect(new Set(results.map((result) => JSON.stringify(result)))).toEqual(new Set(['{"ms":1500}']));
    await held.release();
    expect(await b.activation(accepted.body.activationId)).toMatchObject({ response: { success: true } });
    const { nodes } = JSON.parse(await cluster.node('a').operate('node', 'list', '-o', 'json'));
    expect(nodes).toMatchObject([
      { name: 'a', state: 'ready' },
      { name: 'b', state: 'ready' },
    ]);
  });

  test('a policy that is put in force through one node counts on the other, and of two at once one is refused', async () => {
    const operators = await Promise.all(['a', 'b'].map((name) => operatorOf(cluster.node(name))));
    const put = async (by: number, text: string, before: string | null) =>
      (await operators[by]?.('PUT', '/policy', { text, before })) ?? { status: 0, body: {} };
    const lax = 'form: 1\nrules: { secrets: { action: warn } }\n';
    const strict = `${lax}overrides: [{ stages: [run], rules: { secrets: { action: deny } } }]\n`;
    const leakedKey = ['AKIA', 'Z7QW4XK2MNB5VTRP'].join('');
    const first = await put(0, lax, null);
    expect((await a.deploy('leaky', `const main = () => ({ key: '${leakedKey}' })`)).status).toBe(200);
    const called = (ward: Ward) => ward.invoke('leaky').then(({ status }) => status);
    expect(await Promise.all([a, b].map(called))).toEqual([200, 200]);
    let before = first.body.digest ?? null;
    // Nodes look every five seconds without being told: more than once, they would be late.
    for (const [by, text, status] of [
      [0, strict, 403],
      [1, lax, 200],
      [0, strict, 403],
      [1, lax, 200],
    ] as const) {
      const saved = await put(by, text, before);
      expect(saved).toMatchObject({ status: 200 });
      before = saved.body.digest ?? null;
      const savedAt = performance.now();
      const revisionAtOther = async () => (await operators[1 - by]?.('GET', '/policy'))?.body.revision;
      await a.until(async () => (await revisionAtOther()) === saved.body.revision);
      expect(performance.now() - savedAt).toBeLessThan(3000);
      expect(await Promise.all([a, b].map(called))).toEqual([status, status]);
    }
    const both = await Promise.all([put(0, 'form: 1\n# a\n', before), put(1, 'form: 1\n# b\n', before)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    const vex = join(a.dataDir, 'a.json');
    await writeFile(
      vex,
      '{"bomFormat": "CycloneDX", "vulnerabilities": [{"id": "CVE-1", "analysis": {"state": "resolved"}}]}',
    );
    for (const [given, shown] of [
      [vex, { source: 'database', total: 1 }],
      ['--none', { source: null, total: 0 }],
    ] as const) {
      await cluster.node('a').operate('vex', 'set', given);
      const setAt = performance.now();
      for (const read of operators)
        await a.until(async () =>
          JSON.stringify((await read('GET', '/vex')).body).includes(`"total":${shown.total}`),
        );
      expect(performance.now() - setAt).toBeLessThan(3000);
      for (const read of operators) expect((await read('GET', '/vex')).body).toMatchObject(shown);
    }
  });

  test('a signature that one node deletes soon lets no call of its image through on the other', async () => {
    const operator = await operatorOf(cluster.node('a'));
    const signer = createSigner();
    const rule = 'overrides: [{ stages: [run], rules: { signatures: { action: deny, keys: [release] } } }]';
    const putPolicy = async (text: string) => {
      const before = (await operator('GET', '/policy')).body.digest ?? null;
      expect(await operator('PUT', '/policy', { text, before })).toMatchObject({ status: 200 });
    };
    onTestFinished(() => putPolicy('form: 1\n'));
    await putPolicy(`form: 1\n${signer.policyKey}\n${rule}\n`);
    const image = await imageWith({ signed: 'or not' });
    const { tag, manifest, blobs } = signer.signatureOf(image);
    const send = async (method: string, path: string, body?: Buffer, type = 'application/octet-stream') => {
      const authorization = `Basic ${Buffer.from(a.auth).toString('base64')}`;
      const given = body && { body: new Uint8Array(body) };
      const headers = { authorization, 'content-type': type };
      return (await fetch(`${a.url}/v2/guest/signed/${path}`, { method, headers, ...given })).status;
    };
    for (const blob of [...image.blobs, ...blobs.map(({ content }) => content)])
      expect(await send('POST', `blobs/uploads/?digest=${digestOf(blob)}`, blob)).toBe(201);
    expect(await send('PUT', 'manifests/v1', image.manifest, manifestMediaType)).toBe(201);
    const exec = { kind: 'blackbox', image: 'guest/signed:v1' };
    expect((await a.deploy('signed', '', { exec })).status).toBe(200);
    const isDenied = async () =>
      (await b.request('GET', '/ward/v1/namespaces/_/explain/signed')).body.gate.outcome === 'deny';
    await b.until(isDenied);
    for (const [method, body, status] of [
      ['PUT', manifest.content, 201],
      ['DELETE', undefined, 202],
    ] as const) {
      expect(await send(method, `manifests/${tag}`, body, manifest.mediaType)).toBe(status);
      const changedAt = performance.now();
      await b.until(async () => (await isDenied()) === (method === 'DELETE'));
      expect(performance.now() - changedAt).toBeLessThan(3000);
    }
    expect(await b.invoke('signed')).toMatchObject({ status: 403 });
  });

  test('advisories that are imported on one node count on all, and of two at once all get the same', async () => {
    const importAt = async (name: string, id: string) => {
      const file = join(cluster.node(name).dataDir, `${id}.json`);
      const lodash = { package: { ecosystem: 'npm', name: 'lodash' }, versions: ['4.17.20'] };
      await writeFile(file, JSON.stringify({ id, modified: '2026-11-20T00:00:00Z', affected: [lodash] }));
      await cluster.node(name).operate('advisories', 'import', file);
    };
    await importAt('a', 'GHSA-0000-0000-0001');
    await b.until(async () => (await advisoriesOf(b)) === 1);
    // All that a node hears of the others, and of itself.
    const revisions = async () => {
      const { body } = await a.request('GET', '/metrics');
      const told = String(body).matchAll(/^ward_node_info\{.*advisories="(\w+)"/gm);
      return new Set(Array.from(told, ([, revision]) => revision));
    };
    await a.until(async () => (await revisions()).size === 1);
    const [first] = await revisions();
    await Promise.all([importAt('a', 'GHSA-0000-0000-0002'), importAt('b', 'GHSA-0000-0000-0003')]);
    await a.until(async () => {
      const all = await revisions();
      return all.size === 1 && !all.has(first);
    });
    expect(await Promise.all([a, b].map(advisoriesOf))).toEqual([2, 2]);
  });

  test('a node for the API alone has no rights, and its calls run on the others', async () => {
    const { ward: c } = await cluster.add({ ...plan('c', 128), role: 'api' });
    // It has them before it judges.
    expect(await advisoriesOf(c)).toBe(await advisoriesOf(a));
    const status = await readFile(`/proc/${c.pid}/status`, 'utf8');
    expect(status).toMatch(/^CapEff:\s+0+$/m);
    expect(status).not.toMatch(/^Uid:\s+0\s/m);
    await c.until(async () => (await c.invoke('quick', { n: 3 })).body.response?.result.n === 3);
    expect(c.sandboxStates()).toEqual([]);
  });

  test('a limit of a namespace holds for all nodes together', async () => {
    const command = (...words: string[]) =>
      runWard(['namespace', ...words, '--data', a.dataDir, '-o', 'json'], { env: { WARD_STORE: store } });
    const { stdout } = await command('create', 'acme');
    await command('limits', 'acme', '--concurrent', '4');
    const { key: auth } = JSON.parse(stdout);
    await a.until(async () => (await a.deploy('slow', slow, { auth })).status === 200);
    await b.until(async () => (await b.request('GET', '/api/v1/namespaces', { auth })).status === 200);
    const calls = [a, b].flatMap((ward) =>
      Array.from({ length: 6 }, (_, n) => ward.invoke('slow', { ms: 1000 + n }, auth)),
    );
    const replies = await Promise.all(calls);
    const refused = replies.filter(({ headers }) => headers.get('x-ward-fault') === 'TOO_MANY_CONCURRENT');
    const admitted = replies.length - refused.length;
    expect(admitted).toBeGreaterThan(0);
    expect(admitted).toBeLessThanOrEqual(4);
  });

  test('a killed server: callers of the other learn it within seconds, and accepted calls go on', async () => {
    const running = () => b.sandboxStates().filter((state) => state !== 'FROZEN').length;
    await b.until(() => running() === 0);
    const calls: ReturnType<Ward['invoke']>[] = [];
    let nextAt = 0;
    await b.until(() => {
      if (running() > 0) return true;
      // The first node may expect to be free again before the other one has started a sandbox.
      if (performance.now() < nextAt) return false;
      calls.push(a.invoke('slow', { ms: 6000 + calls.length }));
      if (calls.length > 1) nextAt = performance.now() + 2000;
      return false;
    });
    const accepted = await b.request('POST', '/api/v1/namespaces/_/actions/quick', { body: { n: 2 } });
    const killedAt = performance.now();
    await b.kill();
    const lost = calls.map(async (call) => {
      expect(await call).toMatchObject({
        status: 502,
        body: { response: { result: { error: expect.stringContaining('interrupted') } } },
      });
    });
    await Promise.any(lost);
    expect(performance.now() - killedAt).toBeLessThan(10_000);
    expect((await a.activation(accepted.body.activationId)).end).toBeGreaterThan(0);
    await Promise.all(calls);
  });
});

/** How many a node judges by. */
async function advisoriesOf(ward: Ward): Promise<number> {
  const { body } = await ward.request('GET', '/metrics');
  return Number(/^ward_advisories (\d+)$/m.exec(String(body))?.[1]);
}

/** Logs an operator in at a node. */
async function operatorOf(node: ClusterNode) {
  const link = await node.operate('console', 'login', '-q', '-o', 'name');
  const login = new URL(link.trim()).hash.slice(1);
  const common = {
    'x-ward-console': '1',
    'sec-fetch-site': 'same-origin',
    'content-type': 'application/json',
  };
  const begun = await fetch(new URL('/console/session', node.ward.url), {
    ...{ method: 'POST', headers: common, body: JSON.stringify({ login }) },
  });
  expect(begun.status, await begun.text()).toBe(200);
  const cookie = begun.headers.get('set-cookie')?.split(';')[0] ?? '';
  return async (method: string, path: string, body?: object) => {
    const url = new URL(`/ward/v1/operator${path}`, node.ward.url);
    const answer = await fetch(url, {
      method,
      headers: { ...common, cookie },
      ...(body && { body: JSON.stringify(body) }),
    });
    const given: { readonly digest?: string; readonly revision?: string } = JSON.parse(await answer.text());
    return { status: answer.status, body: given };
  };
}
