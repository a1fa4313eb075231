/** Disk quotas on a real Ward: a tenant fills its own, others notice nothing, and counts survive kill -9. */
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storeOf } from './engine-switch.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();
const limits = { invocationsPerMinute: 100_000, concurrentInvocations: 100 };
const loud = `function main() { console.log('l'.repeat(300000)); return {}; }`;
const actions = '/api/v1/namespaces/_/actions';

let ward: Ward;
let other: string;

beforeAll(async () => {
  if (missing !== undefined) return;
  ward = await Ward.start({ limits });
  other = await ward.createNamespace('other', []);
  await ward.setLimits('guest', ['--record-quota', '1m', '--code-quota', '512k', '--registry-quota', '64k']);
  await ward.until(async () => (await usage()).records.limit === 1024 * 1024);
});
afterAll(async () => {
  await ward?.[Symbol.asyncDispose]();
});

async function usage(auth?: string) {
  const options = auth === undefined ? {} : { auth };
  return (await ward.request('GET', '/ward/v1/namespaces/_/usage', options)).body;
}

const put = (name: string, code: string, auth = ward.auth) =>
  ward.request('PUT', `${actions}/${name}`, { auth, body: { exec: { kind: 'nodejs:24', code } } });
const call = (auth = ward.auth) => ward.request('POST', `${actions}/loud?blocking=true`, { auth, body: {} });

/** The true values of the counters, added up from the tables. */
async function addedUp(namespace: string): Promise<number> {
  const sum = `select sum(1024 + octet_length(document) + coalesce(octet_length(response), 0)
      + coalesce(octet_length(lines), 0)) as bytes
    from activations left join activation_logs using (activation_id) where namespace = '${namespace}'`;
  const { WARD_STORE: url } = await storeOf(ward.dataDir);
  if (url === undefined) {
    using database = new DatabaseSync(join(ward.dataDir, 'state', 'ward.db'), { readOnly: true });
    return Number(database.prepare(sum).get()?.['bytes']);
  }
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query(sum);
  await client.end();
  return Number(rows[0]?.bytes);
}

describe.skipIf(missing !== undefined)(`a quota${missing ? ` (${missing})` : ''}`, () => {
  it('of code and images is enforced, and the error says how much is used', async () => {
    expect((await put('loud', loud)).status).toBe(200);
    expect((await put('loud', loud, other)).status).toBe(200);
    const refused = await put('large', `// ${randomBytes(300_000).toString('hex')}`);
    expect([refused.status, refused.body.quota, refused.body.limit]).toEqual([413, 'code', 524_288]);
    expect(refused.headers.get('ratelimit')).toBe(`"code";r=${524_288 - refused.body.used}`);
    const image = randomBytes(100_000);
    const started = await ward.request('POST', '/v2/guest/app/blobs/uploads/');
    const target = new URL(started.headers.get('location') ?? '', ward.url);
    target.searchParams.set('digest', `sha256:${createHash('sha256').update(image).digest('hex')}`);
    const pushed = await ward.request('PUT', `${target.pathname}${target.search}`, {
      body: image,
      headers: { 'content-type': 'application/octet-stream' },
    });
    expect([pushed.status, pushed.body.errors]).toEqual([
      413,
      [{ code: 'DENIED', message: expect.stringContaining('of 64 KiB'), detail: null }],
    ]);
    expect((await usage()).registry).toEqual({ used: 0, limit: 65_536 });
  });

  it('of records refuses calls while the records are young, but not other tenants’', async () => {
    const accepted: string[] = [];
    await ward.until(async () => {
      const reply = await call();
      if (reply.status === 200) accepted.push(reply.body.activationId);
      return reply.status === 429;
    });
    const refused = await call();
    expect([refused.status, refused.headers.get('x-ward-fault')]).toEqual([429, 'RECORDS_FULL']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await call(other)).status).toBe(200);
    for (const id of accepted)
      expect((await ward.activation(id)).logs.join('').length).toBeGreaterThan(300_000);
    const { records } = await usage();
    expect(records.count).toBe(accepted.length);
    expect(records.used).toBeGreaterThan(1024 * 1024);
    expect(records.used).toBeLessThan(2 * 1024 * 1024);
    const shown = await ward.cli(['namespace', 'list', '--all', '-o', 'json', '--data', ward.dataDir]);
    expect(shown.code, shown.stderr).toBe(0);
    expect(JSON.parse(shown.stdout).namespaces[0].disk.recordBytes).toBe(records.used);
  });

  it('is counted correctly after kill -9 in the middle of a flood', async () => {
    const { dataDir } = ward;
    const before = await usage();
    await ward.setLimits('guest', ['--record-quota', '1g']);
    await ward.until(async () => (await call()).status === 200);
    const flood = Promise.allSettled(Array.from({ length: 40 }, () => call()));
    await ward.until(async () => (await usage()).records.count > before.records.count + 5);
    await ward.kill();
    await flood;
    ward = await Ward.start({ limits }, dataDir);
    const after = await usage();
    expect(after.records.used).toBe(await addedUp('guest'));
    expect((await usage(other)).records.used).toBe(await addedUp('other'));
    expect(after.code).toEqual(before.code);
    expect((await call()).status).toBe(200);
  });
});
