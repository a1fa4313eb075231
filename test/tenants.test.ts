/** Two namespaces on one Ward: what each can see, use and disturb of the other. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cgroupsOf } from './cgroups.ts';
import { deployHeld } from './held-action.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();
const actions = '/api/v1/namespaces/_/actions';
const plenty = ['--invocations-per-minute', '100000', '--concurrent', '1000'];
const slow = 'function main(p) { return new Promise((done) => setTimeout(done, p.ms, { n: p.n })); }';

/** Leaves marks wherever a sandbox keeps state between calls, and returns the marks that it found. */
const marker = `const { existsSync, writeFileSync } = require('node:fs');
  function main({ mark }) {
    const seen = [globalThis.mark, ...['/tmp/mark', '/dev/shm/mark'].filter(existsSync)].filter(Boolean);
    globalThis.mark = 'global';
    writeFileSync('/tmp/mark', mark);
    writeFileSync('/dev/shm/mark', mark);
    return { seen };
  }`;

let ward: Ward;
let other: string;

beforeAll(async () => {
  if (missing !== undefined) return;
  ward = await Ward.start({ invoker: { memoryMiB: 2048, prewarm: [] } });
  await ward.setLimits('guest', plenty);
  other = await ward.createNamespace('other', plenty);
});
afterAll(async () => {
  await ward?.[Symbol.asyncDispose]();
});

async function limitsOf(auth?: string) {
  const { body } = await ward.request(
    'GET',
    '/api/v1/namespaces/_/limits',
    auth === undefined ? {} : { auth },
  );
  return body;
}

/** Runs an operator's command, which writes to the store, and waits until the server has noticed. */
async function limit(name: string, auth: string, perMinute: number, concurrent: number): Promise<void> {
  const flags = ['--invocations-per-minute', String(perMinute), '--concurrent', String(concurrent)];
  await ward.setLimits(name, flags);
  await ward.until(async () => {
    const { invocationsPerMinute, concurrentInvocations } = await limitsOf(auth);
    return invocationsPerMinute === perMinute && concurrentInvocations === concurrent;
  });
}

describe.skipIf(missing !== undefined)(`an operator${missing ? ` (${missing})` : ''}`, () => {
  it('sees all tenants with limits, last use and disk; a key’s owner sees only its own', async () => {
    await ward.deploy('used', 'function main() { return {}; }');
    const { activationId } = (await ward.invoke('used')).body;
    const { start } = await ward.activation(activationId);
    const list = (...more: string[]) => ward.cli(['namespace', 'list', ...more, '--data', ward.dataDir]);
    await ward.until(async () => (await list('-a', '-o', 'json')).stdout.includes(String(start)));
    const { stdout } = await list('--all', '-o', 'json');
    const { total, namespaces } = JSON.parse(stdout);
    expect([total, namespaces.map(({ name }: { name: string }) => name)]).toEqual([
      3,
      ['guest', 'other', 'whisk.system'],
    ]);
    expect(namespaces[0]).toMatchObject({
      actions: 1,
      lastUsedAt: start,
      limits: { invocationsPerMinute: 100_000 },
    });
    expect(namespaces[0].disk.codeBytes).toBeGreaterThan(10);
    expect(namespaces[0].disk.recordBytes).toBeGreaterThan(100);
    expect(namespaces[1]).toMatchObject({ actions: 0, records: 0, lastUsedAt: null });
    const page = await list('--all', '--limit', '1', '--skip', '1', '-o', 'name');
    expect([page.stdout, page.stderr]).toEqual(['other\n', '1 more of 3: --skip 2\n']);
    expect((await list()).stdout).toMatch(/guest/);
    expect((await list()).stdout).not.toMatch(/other/);
    expect((await list('--limit', '1')).code).toBe(2);
  });
});

describe.skipIf(missing !== undefined)(`a tenant${missing ? ` (${missing})` : ''}`, () => {
  it('sees nothing of another by name, by id or in lists', async () => {
    await ward.deploy('private', 'function main() { console.log("secret"); return { secret: 1 }; }');
    const { activationId } = (await ward.invoke('private')).body;
    await ward.activation(activationId);
    const as = { auth: other };
    const foreign: readonly (readonly [string, string, unknown?])[] = [
      ['GET', 'actions'],
      ['GET', 'actions/private'],
      ['GET', 'actions/absent'],
      ['POST', 'actions/private?blocking=true', {}],
      ['PUT', 'actions/private?overwrite=true', { exec: { kind: 'nodejs:24', code: 'x' } }],
      ['DELETE', 'actions/private'],
      ['GET', 'activations'],
      ['GET', `activations/${activationId}`],
      ['GET', `activations/${activationId}/logs`],
      ['GET', `activations/${activationId}/result`],
      ['GET', 'limits'],
    ];
    for (const [method, path, body] of foreign) {
      const reply = await ward.request(method, `/api/v1/namespaces/guest/${path}`, { ...as, body });
      expect({ path, status: reply.status }).toEqual({ path, status: 403 });
      expect(reply.body.error).toMatch(/^The supplied authentication is not authorized to access '/);
    }
    for (const path of [
      'actions/private',
      `activations/${activationId}`,
      `activations/${activationId}/logs`,
    ]) {
      const reply = await ward.request('GET', `/api/v1/namespaces/_/${path}`, as);
      expect({ path, status: reply.status }).toEqual({ path, status: 404 });
    }
    for (const collection of ['actions', 'activations']) {
      const mine = await ward.request('GET', `/api/v1/namespaces/_/${collection}`, as);
      expect(mine).toMatchObject({ status: 200, body: [] });
    }
    expect((await ward.request('GET', '/api/v1/namespaces', as)).body).toEqual(['other']);
    expect((await ward.invoke('private')).body.response.result).toEqual({ secret: 1 });
  });

  it('never gets a sandbox that another action, revision or namespace has used', async () => {
    const seen = async (name: string, auth?: string) =>
      (await ward.invoke(name, { mark: name }, auth)).body.response.result.seen;
    await ward.deploy('marker', marker);
    expect(await seen('marker')).toEqual([]);
    expect(await seen('marker')).toEqual(['global', '/tmp/mark', '/dev/shm/mark']);
    await ward.deploy('marker-2', marker);
    expect(await seen('marker-2')).toEqual([]);
    await ward.deploy('marker', marker, { auth: other });
    expect(await seen('marker', other)).toEqual([]);
    await ward.deploy('marker', marker);
    expect(await seen('marker')).toEqual([]);
  });

  it('has sandboxes with host ids that no other sandbox has', async () => {
    await ward.deploy('held', slow, { auth: other });
    await ward.deploy('held', slow);
    const calls = [0, 1, 2].map((n) => ward.invoke('held', { ms: 700, n }, n === 0 ? other : undefined));
    await ward.until(() => uidRanges().length >= 3);
    const ranges = uidRanges();
    for (const { cgroup, uids } of ranges) {
      expect({ cgroup, ranges: new Set(uids.map((uid) => Math.floor(uid / 65_536))).size }).toEqual({
        cgroup,
        ranges: 1,
      });
      expect(Math.min(...uids)).toBeGreaterThanOrEqual(2 ** 30);
    }
    const firsts = ranges.map(({ uids }) => Math.floor((uids[0] ?? 0) / 65_536));
    expect(new Set(firsts).size).toBe(firsts.length);
    expect((await Promise.all(calls)).map(({ body }) => body.response.result)).toEqual([
      { n: 0 },
      { n: 1 },
      { n: 2 },
    ]);
  });

  it('that calls too often in a minute gets an error, and no other does', async () => {
    const busy = await ward.createNamespace('often');
    await ward.deploy('hello', 'function main() { return {}; }', { auth: busy });
    await ward.deploy('hello', 'function main() { return {}; }');
    await limit('often', busy, 2, 30);
    let refused = await ward.invoke('hello', {}, busy);
    // Two calls a minute are allowed, and a minute may end in between.
    for (let n = 0; n < 5 && refused.status === 200; n++) refused = await ward.invoke('hello', {}, busy);
    expect(refused).toMatchObject({
      status: 429,
      body: {
        error: 'Too many requests in the last minute (count: 2, allowed: 2).',
        code: expect.any(String),
      },
    });
    let command = await ward.cli(['action', 'invoke', 'hello', '-r'], { WARD_AUTH: busy });
    for (let n = 0; n < 5 && command.code === 0; n++)
      command = await ward.cli(['action', 'invoke', 'hello', '-r'], { WARD_AUTH: busy });
    expect(command).toMatchObject({
      code: 7,
      stdout: '',
      stderr: expect.stringContaining('Too many requests in the last minute'),
    });
    expect((await ward.invoke('hello')).status).toBe(200);
  });

  it('that has too many concurrent calls gets an error, until one has ended', async () => {
    const busy = await ward.createNamespace('parallel');
    await ward.deploy('held', slow, { auth: busy });
    await limit('parallel', busy, 1000, 1);
    const first = ward.request('POST', '/api/v1/namespaces/_/actions/held', {
      auth: busy,
      body: { ms: 800 },
    });
    const { activationId } = (await first).body;
    const refused = await ward.invoke('held', { ms: 0 }, busy);
    expect(refused).toMatchObject({
      status: 429,
      body: { error: 'Too many concurrent requests in flight (count: 1, allowed: 1).' },
    });
    const command = await ward.cli(['action', 'invoke', 'held', '-p', 'ms', '0'], { WARD_AUTH: busy });
    expect(command.code).toBe(7);
    await ward.activation(activationId, busy);
    expect((await ward.invoke('held', { ms: 0, n: 5 }, busy)).body.response.result).toEqual({ n: 5 });
  });

  it('whose key was replaced can use the new one at once, and no longer the old one', async () => {
    const old = await ward.createNamespace('rotated');
    await ward.deploy('kept', 'function main() { return { kept: true }; }', { auth: old });
    const rotated = await ward.cli([
      'namespace',
      'rotate-key',
      'rotated',
      '--data',
      ward.dataDir,
      '-o',
      'json',
    ]);
    const { key } = JSON.parse(rotated.stdout);
    expect(key).not.toBe(old);
    expect((await ward.invoke('kept', {}, key)).body.response.result).toEqual({ kept: true });
    expect((await ward.request('GET', actions, { auth: old })).status).toBe(401);
    expect((await ward.cli(['action', 'list'], { WARD_AUTH: old })).code).toBe(4);
  });

  it('that was deleted is gone with all its content, and its name starts empty', async () => {
    const first = await ward.createNamespace('deleted');
    await ward.deploy('lost', 'function main() { return {}; }', { auth: first });
    await ward.activation((await ward.invoke('lost', {}, first)).body.activationId, first);
    const endless = await deployHeld(ward, 'endless', first);
    const running = ward.invoke('endless', {}, first);
    await endless.begun();
    expect((await ward.cli(['namespace', 'delete', 'deleted', '--data', ward.dataDir])).code).toBe(0);
    expect((await ward.request('GET', actions, { auth: first })).status).toBe(401);
    expect((await running).body.response.result.error).toBe(
      'The platform ended the action while it was running.',
    );
    const second = await ward.createNamespace('deleted');
    await ward.until(
      async () => (await ward.request('GET', '/api/v1/namespaces', { auth: second })).status === 200,
    );
    for (const collection of ['actions', 'activations']) {
      const { body } = await ward.request('GET', `/api/v1/namespaces/_/${collection}`, { auth: second });
      expect(body).toEqual([]);
    }
    expect((await ward.invoke('lost', {}, second)).status).toBe(404);
    expect((await ward.invoke('lost', {}, first)).status).toBe(401);
  });
});

describe.skipIf(missing !== undefined)('a namespace that floods a small machine', () => {
  it('delays itself: a single call of another one gets its turn', async () => {
    await using small = await Ward.start({ invoker: { memoryMiB: 512, prewarm: [] } });
    await small.setLimits('guest', plenty);
    const calm = await small.createNamespace('calm', plenty);
    await small.until(async () => {
      const { body } = await small.request('GET', '/api/v1/namespaces/_/limits');
      return body.concurrentInvocations === 1000;
    });
    await small.deploy('held', slow);
    await small.deploy('held', slow, { auth: calm });
    const flood = Array.from({ length: 200 }, (_, n) =>
      small.request('POST', '/api/v1/namespaces/_/actions/held', { body: { ms: 25, n } }),
    );
    const accepted = await Promise.all(flood);
    expect(new Set(accepted.map(({ status }) => status))).toEqual(new Set([202]));
    const { body } = await small.invoke('held', { ms: 0, n: 1 }, calm);
    expect(body.response.result).toEqual({ n: 1 });
    // One after the other: two hundred clients would take the processors from the server.
    const ends: number[] = [];
    for (const reply of accepted) ends.push((await small.activation(reply.body.activationId)).end);
    expect(ends.filter((end) => end > body.end).length).toBeGreaterThan(80);
  });
});

/** Host user ids of the processes in each sandbox that has any. */
function uidRanges(): { readonly cgroup: string; readonly uids: readonly number[] }[] {
  const paths = new Set(cgroupsOf(ward.instance).map((path) => path.slice(path.lastIndexOf('/') + 1)));
  const byCgroup = new Map<string, number[]>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const cgroup = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
      const name = [...paths].find((each) => cgroup.includes(`/${ward.instance}/${each}`));
      const [, ids = ''] = /^Uid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      if (name === undefined) continue;
      byCgroup.set(name, [...(byCgroup.get(name) ?? []), ...ids.split(/\s+/).map(Number)]);
    } catch {}
  }
  return [...byCgroup].map(([cgroup, uids]) => ({ cgroup, uids }));
}
