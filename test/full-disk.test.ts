/** A full disk: tenants get a clear error, Ward keeps what it accepted, and no answer is 500. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CallLedger, keptIn } from './call-ledger.ts';
import { HeldMounts } from './held-mounts.ts';
import { missingForOneMachine } from './one-machine.ts';
import { missingForSandboxes, type Reply, type RequestOptions, Ward } from './ward.ts';

const missing =
  missingForSandboxes() ?? missingForOneMachine('the disk of a data folder that has the database');
const mebibyte = 1024 * 1024;
const diskMiB = 160;
const reserveMiB = 32;
const limits = { invocationsPerMinute: 100_000, concurrentInvocations: 100, firesPerMinute: 100_000 };
const statuses: number[] = [];

let dir: string;
let mounts: HeldMounts;
let ward: Ward;
const ledger = new CallLedger(() => ward);

/** Path of the disk as this process sees it. */
function path(...names: string[]): string {
  return mounts.path(dir, ...names);
}

async function freeBytes(): Promise<number> {
  const { bavail, bsize } = await statfs(path());
  return bavail * bsize;
}

async function sizeOf(name: string): Promise<number> {
  return stat(path(name)).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Fills the disk up to this number of free bytes, as another program would. */
async function fillUpTo(free: number): Promise<void> {
  await using file = await open(path('filler'), 'a');
  const block = Buffer.alloc(mebibyte);
  for (;;) {
    const size = Math.min(block.length, (await freeBytes()) - free);
    if (size <= 0) return;
    try {
      await file.write(block, 0, size);
    } catch {
      return;
    }
  }
}

async function request(method: string, to: string, options: RequestOptions = {}): Promise<Reply> {
  const reply = await ward.request(method, to, options);
  statuses.push(reply.status);
  return reply;
}

const actions = '/api/v1/namespaces/_/actions';
const put = (name: string, code: string) =>
  request('PUT', `${actions}/${name}?overwrite=true`, { body: { exec: { kind: 'nodejs:24', code } } });
const invoke = async (name: string, body: object, blocking: boolean) => {
  const called = await ledger.call(name, body, blocking);
  statuses.push(called.status);
  return called;
};
/** Begins to push a blob, as clients do. */
async function pushBlob(bytes: Buffer): Promise<Reply> {
  const started = await request('POST', '/v2/guest/app/blobs/uploads/');
  if (started.status !== 202) return started;
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const target = new URL(started.headers.get('location') ?? '', ward.url);
  target.searchParams.set('digest', digest);
  return request('PUT', `${target.pathname}${target.search}`, {
    body: bytes,
    headers: { 'content-type': 'application/octet-stream' },
  });
}

async function metric(name: string): Promise<number> {
  const { body } = await request('GET', '/metrics');
  const line = String(body)
    .split('\n')
    .find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length));
}

beforeAll(async () => {
  if (missing !== undefined) return;
  dir = await mkdtemp(join(tmpdir(), 'ward-disk-'));
  mounts = await HeldMounts.make(`mount -t tmpfs -o size=${diskMiB}m,mode=0755 disk "$1"`, [dir]);
  const config = { limits, disk: { reserveBytes: `${reserveMiB}m` } };
  ({ ward } = await Ward.startSaying(config, dir, undefined, { mountsOf: mounts.pid }));
});
afterAll(async () => {
  if (missing !== undefined) return;
  await ward?.[Symbol.asyncDispose]();
  await mounts?.end();
  await rm(dir, { recursive: true, force: true });
});

describe.skipIf(missing !== undefined)(`a full disk${missing ? ` (${missing})` : ''}`, () => {
  it('below the reserve, code and images are refused; calls and deletes go on', async () => {
    expect((await put('hello', 'function main() { return { ok: true } }')).status).toBe(200);
    expect((await put('old', `// ${'x'.repeat(mebibyte)}`)).status).toBe(200);
    expect((await invoke('hello', {}, true)).status).toBe(200);
    await ward.until(async () => (await sizeOf('reserve')) === (reserveMiB / 4) * mebibyte);
    await fillUpTo(reserveMiB * 0.75 * mebibyte);
    await ward.until(async () => (await put('more', 'function main() {}')).status === 507);
    const refused = await put('more', 'function main() {}');
    expect(refused.body).toMatchObject({
      error: expect.stringContaining('no room on its disk'),
      code: expect.any(String),
    });
    expect(JSON.stringify(refused.body)).not.toContain(dir);
    expect(refused.headers.get('x-ward-fault')).toBe('DISK_RESERVED');
    const push = await pushBlob(randomBytes(mebibyte));
    expect([push.status, push.body]).toEqual([
      507,
      { errors: [{ code: 'DENIED', message: expect.stringContaining('no room on its disk'), detail: null }] },
    ]);
    expect((await invoke('hello', {}, true)).status).toBe(200);
    expect((await request('DELETE', `${actions}/old`)).status).toBe(200);
    expect(await metric('ward_disk_free_bytes')).toBeLessThan(reserveMiB * mebibyte);
    expect(await metric('ward_disk_reserve_bytes')).toBe(reserveMiB * mebibyte);
  });

  it('when it is full, calls are refused, and accepted ones keep their records', async () => {
    await rm(path('filler'));
    const slow = `function main({ n }) {
      console.log('l'.repeat(2000000));
      return new Promise((done) => setTimeout(done, 15000, { n, text: 'x'.repeat(900000) }));
    }`;
    await ward.until(async () => (await put('slow', slow)).status === 200);
    expect((await put('cold', `function main(args) { return args } // ${'x'.repeat(mebibyte)}`)).status).toBe(
      200,
    );
    const begun = await Promise.all(Array.from({ length: 6 }, (_, n) => invoke('slow', { n }, false)));
    expect(begun.map(({ status }) => status)).toEqual(begun.map(() => 202));
    await ward.until(async () => (await metric('ward_sandboxes{state="busy"}')) === begun.length);
    expect((await request('GET', '/ping?ready')).body).toEqual({
      ready: true,
      recording: { state: 'ok' },
      disk: 'ample',
    });
    // Possibly accepted at the last moment, before Ward notices: there is room for the call, but not for its code.
    await fillUpTo(mebibyte / 2);
    const late = await Promise.all([1, 2, 3].map((n) => invoke('cold', { n }, false)));
    // Ward frees its reserve file when nothing is free, so fill that space too.
    await fillUpTo(0);
    await ward.until(async () => (await invoke('hello', {}, true)).status === 507);
    await ward.until(async () => {
      await fillUpTo(0);
      return (await freeBytes()) === 0;
    });
    const critical = await request('GET', '/ping?ready');
    expect([critical.status, critical.body.ready, critical.body.disk]).toEqual([503, false, 'critical']);
    expect(critical.headers.get('retry-after')).toBe('5');
    // Now there are records that can't be written.
    let isStuck = false;
    const began = performance.now();
    while (!isStuck) {
      expect(performance.now() - began).toBeLessThan(100_000);
      expect(await invoke('hello', {}, true)).toMatchObject({ status: 507, fault: 'DISK_RESERVED' });
      expect((await put('more', 'function main() {}')).status).toBe(507);
      expect([200, 507]).toContain((await request('GET', `${actions}/hello`)).status);
      const url = `/api/v1/namespaces/_/activations/${begun[0]?.id}`;
      isStuck = (await request('GET', url)).status === 507;
    }
    expect(await sizeOf('reserve')).toBe(0);
    const failing = { state: 'failing', since: expect.any(Number), error: 'STORE_FULL' };
    expect((await request('GET', '/ping?ready')).body).toEqual({
      ready: false,
      recording: failing,
      disk: 'critical',
    });
    expect(await metric('ward_recording')).toBe(0);
    expect(await metric('ward_records_waiting')).toBeGreaterThan(0);
    let told = { code: 0 as number | null, stdout: '' };
    await ward.until(async () => {
      // Something can free a little room while the command starts.
      await fillUpTo(0);
      told = await ward.cli(['status', '-o', 'json']);
      return told.code !== 0;
    });
    expect([told.code, JSON.parse(told.stdout).recording]).toEqual([7, failing]);
    expect((await request('DELETE', `${actions}/slow`)).status).not.toBe(500);
    await rm(path('filler'));
    await ward.until(async () => (await invoke('hello', {}, true)).status === 200);
    for (const [n, { id = '' }] of begun.entries()) {
      const record = await ward.activation(id);
      expect(record.response).toMatchObject({ success: true, result: { n } });
      expect(record.logs.join('').length).toBeGreaterThan(2_000_000);
    }
    for (const { id, status } of late) {
      if (status === 202) expect((await ward.activation(id ?? '')).response.success).toBe(true);
      else expect([503, 507]).toContain(status);
    }
    expect((await put('more', 'function main() {}')).status).toBe(200);
    await ward.until(async () => (await sizeOf('reserve')) === (reserveMiB / 4) * mebibyte);
    expect((await request('GET', '/ping?ready')).body).toMatchObject({
      ready: true,
      recording: { state: 'ok' },
    });
    expect(await metric('ward_recording')).toBe(1);
    expect(await metric('ward_records_lost_total')).toBe(0);
    expect((await ward.cli(['status'])).code).toBe(0);
  });

  it('gave each call either one record or a time to try again; nothing waits in the queue', async () => {
    expect(ledger.unexplained()).toEqual([]);
    await ward.until(async () => (await metric('ward_records_waiting')) === 0);
    const kept = await keptIn(path('state', 'ward.db'));
    expect(ledger.unrecorded(kept)).toEqual([]);
    expect(new Set(kept.records).size).toBe(kept.records.length);
    expect(kept).toMatchObject({ counted: kept.records.length, accepted: 0 });
  });

  it('never answered 500', () => {
    expect(statuses.length).toBeGreaterThan(30);
    expect(statuses.filter((status) => status === 500 || status === 502)).toEqual([]);
  });
});
