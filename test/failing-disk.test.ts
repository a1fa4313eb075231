/**
 * A disk that fails writes and then takes them again, and one whose file system becomes read-only. Both are real: ext4
 * on loop devices. Callers get a clear error, each accepted call is settled once, and no answer is 500.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Called, CallLedger, keptIn } from './call-ledger.ts';
import { HeldMounts } from './held-mounts.ts';
import { missingForOneMachine } from './one-machine.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing =
  missingForSandboxes() ??
  missingForOneMachine('the disk of a data folder that has the database') ??
  (existsSync('/dev/loop-control') && existsSync('/usr/sbin/mkfs.ext4')
    ? undefined
    : 'needs loop devices and mkfs.ext4');
const limits = { invocationsPerMinute: 100_000, concurrentInvocations: 100, firesPerMinute: 100_000 };
const triggers = '/api/v1/namespaces/_/triggers';
const rules = '/api/v1/namespaces/_/rules';

const hello = 'function main({ n }) { return { n } }';
const big = "function main() { return { text: 'x'.repeat(900000) } }";
const held = `function main({ n }) { return new Promise((done) => setTimeout(done, 8000, { n })) }`;

async function deployAll(ward: Ward): Promise<void> {
  for (const [name, code] of Object.entries({ hello, big, held }))
    expect((await ward.deploy(name, code)).status).toBe(200);
  const web = await ward.request('PUT', '/api/v1/namespaces/_/actions/web?overwrite=true', {
    body: { exec: { kind: 'nodejs:24', code: hello }, annotations: [{ key: 'web-export', value: true }] },
  });
  expect(web.status).toBe(200);
  expect((await ward.request('PUT', `${triggers}/tick`, { body: {} })).status).toBe(200);
  const rule = { trigger: '/_/tick', action: '/_/hello', status: 'active' };
  expect((await ward.request('PUT', `${rules}/go`, { body: rule })).status).toBe(200);
}

/** Accepted calls that are running and take a while. */
async function begin(ward: Ward, ledger: CallLedger, count: number): Promise<readonly Called[]> {
  const begun = await Promise.all(Array.from({ length: count }, (_, n) => ledger.call('held', { n }, false)));
  expect(begun.map(({ status }) => status)).toEqual(begun.map(() => 202));
  await ward.until(async () => (await metric(ward, 'ward_sandboxes{state="busy"}')) === count);
  return begun;
}

async function metric(ward: Ward, name: string): Promise<number> {
  const { body } = await ward.request('GET', '/metrics');
  const line = String(body)
    .split('\n')
    .find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length));
}

/** Begins to push a blob, as clients do. Returns the status, and whether the answer says when to try again. */
async function push(ward: Ward): Promise<[number, boolean]> {
  const content = Buffer.from('a layer');
  const { headers } = await ward.request('POST', '/v2/guest/app/blobs/uploads/');
  const target = new URL(headers.get('location') ?? '', ward.url);
  target.searchParams.set('digest', `sha256:${createHash('sha256').update(content).digest('hex')}`);
  const answer = await ward.request('PUT', `${target.pathname}${target.search}`, {
    body: content,
    headers: { 'content-type': 'application/octet-stream' },
  });
  return [answer.status, Number(answer.headers.get('retry-after')) > 0];
}

const recordingOf = async (ward: Ward) => (await ward.request('GET', '/ping?ready')).body.recording;
const settled = (ward: Ward) =>
  ward.until(async () => (await metric(ward, 'ward_records_waiting')) === 0 && !(await isFailing(ward)));
const isFailing = async (ward: Ward) => (await recordingOf(ward)).state === 'failing';

/** @returns a folder on it for a Ward */
async function newImage(prefix: string): Promise<{ readonly dir: string; readonly image: string }> {
  const dir = await mkdtemp(join(tmpdir(), prefix));
  return { dir, image: join(dir, 'image') };
}

describe.skipIf(missing !== undefined)(`a disk that fails writes${missing ? ` (${missing})` : ''}`, () => {
  // The loop device's storage, an image on another one, takes no writes: the kernel reports this when a file is synced.
  // A full one would still take blocks that it already has.
  const script = `mkdir "$1/outer" "$1/disk"
    truncate -s 450m "$1/outer.image"
    mkfs.ext4 -q -O ^has_journal -E nodiscard "$1/outer.image"
    mount -o loop "$1/outer.image" "$1/outer"
    truncate -s 400m "$1/outer/image"
    mkfs.ext4 -q -O ^has_journal -E nodiscard "$1/outer/image"
    mount -o loop,errors=continue "$1/outer/image" "$1/disk"`;
  let dir: string;
  let mounts: HeldMounts;
  let ward: Ward;
  let ledger: CallLedger;

  let made = new AsyncDisposableStack();
  const fails = (isFailing: boolean) =>
    mounts.run(['chattr', isFailing ? '+i' : '-i', join(dir, 'outer', 'image')]);
  const start = async () => {
    // Removes what a first run of this test has left.
    await made.disposeAsync();
    made = new AsyncDisposableStack();
    ledger = new CallLedger(() => ward);
    ({ dir } = await newImage('ward-eio-'));
    made.defer(() => rm(dir, { recursive: true }));
    mounts = await HeldMounts.make(script, [dir]);
    made.defer(() => mounts.end());
    const config = { limits, disk: { reserveBytes: '8m' }, records: { whenUnable: 'continue' } };
    const options = { mountsOf: mounts.pid };
    ({ ward } = await Ward.startSaying(config, join(dir, 'disk', 'ward'), undefined, options));
    made.use(ward);
    made.defer(() => fails(false));
  };
  afterAll(() => made.disposeAsync());

  it('goes on as the operator chose, and its answers warn that records may be lost', async () => {
    await start();
    await deployAll(ward);
    for (const name of ['hello', 'big']) expect((await ledger.call(name, {}, true)).status).toBe(200);
    await begin(ward, ledger, 3);
    await fails(true);
    await ward.until(async () => {
      expect((await ledger.call('big', {}, true)).status).toBe(200);
      return isFailing(ward);
    });
    const failing = { state: 'failing', since: expect.any(Number), error: 'STORE_UNWRITABLE' };
    const ready = await ward.request('GET', '/ping?ready');
    expect([ready.status, ready.body]).toEqual([200, { ready: true, recording: failing, disk: 'ample' }]);
    expect(await metric(ward, 'ward_recording')).toBe(0);
    const told = await ward.cli(['status', '-o', 'json']);
    expect([told.code, JSON.parse(told.stdout).recording]).toEqual([0, failing]);
    for (let n = 0; n < 20; n++)
      expect(await ledger.call('hello', { n }, true)).toMatchObject({ status: 200, saysLost: true });
    const refused = { status: 503, fault: 'CANNOT_RECORD', retryAfter: 5 };
    expect(await ledger.call('hello', {}, false)).toMatchObject(refused);
    expect(await ledger.fire('tick')).toMatchObject(refused);
    const web = await ward.request('GET', '/api/v1/web/guest/default/web.json?n=1');
    expect([web.status, web.headers.get('x-ward-record')]).toEqual([200, 'lost']);
    // The accepted calls end meanwhile.
    await ward.until(async () => (await metric(ward, 'ward_sandboxes{state="busy"}')) === 0);
    expect(await isFailing(ward)).toBe(true);
    // As long as a hook may take, because this test contains the set-up.
  }, 240_000);

  it('writes waiting records when the disk works again: each once, and the queue is empty', async () => {
    await fails(false);
    await settled(ward);
    expect(await ledger.call('hello', {}, true)).toMatchObject({ status: 200, saysLost: false });
    expect((await ledger.fire('tick')).status).toBe(202);
    expect(await metric(ward, 'ward_records_lost_total')).toBe(0);
    expect(ledger.unexplained()).toEqual([]);
    expect(await ward.stop()).toBe(0);
    const kept = await keptIn(mounts.path(dir, 'disk', 'ward', 'state', 'ward.db'));
    expect(ledger.calls.filter(({ id = '' }) => id !== '' && !kept.records.includes(id))).toEqual([]);
    expect(new Set(kept.records).size).toBe(kept.records.length);
    expect(kept).toMatchObject({ counted: kept.records.length, accepted: 0 });
  });
});

describe.skipIf(missing !== undefined)('a file system that becomes read-only', () => {
  const script = 'mount -o loop "$2" "$1/disk"';
  let dir: string;
  let image: string;
  let mounts: HeldMounts;
  let ward: Ward;
  let said: () => string;
  const ledger = new CallLedger(() => ward);
  const start = async () => {
    mounts = await HeldMounts.make(script, [dir, image]);
    const config = { limits, disk: { reserveBytes: '8m' } };
    ({ ward, said } = await Ward.startSaying(config, join(dir, 'disk', 'ward'), undefined, {
      mountsOf: mounts.pid,
    }));
  };

  beforeAll(async () => {
    ({ dir, image } = await newImage('ward-ro-'));
    const format = await HeldMounts.make(
      'mkdir "$1/disk"; truncate -s 200m "$2"; mkfs.ext4 -q -E nodiscard "$2"',
      [dir, image],
    );
    await format.end();
    await start();
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
    await mounts?.end();
    if (dir !== undefined) await rm(dir, { recursive: true, force: true });
  });

  let first: Called;
  it('refuses calls, firings and writes with 503 and when to try again; reads go on', async () => {
    await deployAll(ward);
    for (const n of [1, 2, 3]) expect((await ledger.call('hello', { n }, true)).status).toBe(200);
    expect((await ledger.fire('tick')).status).toBe(202);
    await begin(ward, ledger, 2);
    await settled(ward);
    // The kernel does this by itself when a file system is damaged (errors=remount-ro).
    await mounts.run(['mount', '-o', 'remount,abort', join(dir, 'disk')]);
    first = await ledger.call('hello', {}, true);
    expect(first.status).toBe(200);
    await ward.until(() => isFailing(ward));
    const ready = await ward.request('GET', '/ping?ready');
    expect([ready.status, ready.headers.get('retry-after'), ready.body.recording.error]).toEqual([
      503,
      '5',
      'STORE_UNWRITABLE',
    ]);
    expect((await ward.cli(['status'])).code).toBe(7);
    const refused = { status: 503, fault: 'CANNOT_RECORD', retryAfter: 5 };
    for (const blocking of [true, false])
      expect(await ledger.call('hello', {}, blocking)).toMatchObject(refused);
    expect(await ledger.fire('tick')).toMatchObject(refused);
    for (const [method, path, body] of [
      ['PUT', '/api/v1/namespaces/_/actions/more', { exec: { kind: 'nodejs:24', code: hello } }],
      ['PUT', `${triggers}/more`, {}],
      ['DELETE', `${rules}/go`, undefined],
    ] as const) {
      const { status, headers, body: said } = await ward.request(method, path, { body });
      expect([method, path, status, Number(headers.get('retry-after')) > 0]).toEqual([
        method,
        path,
        503,
        true,
      ]);
      expect(JSON.stringify(said)).not.toContain(dir);
    }
    expect(await push(ward)).toEqual([503, true]);
    const list = await ward.request('GET', '/api/v1/namespaces/_/actions');
    expect([list.status, list.body.length]).toEqual([200, 4]);
    expect((await ward.request('GET', '/api/v1/namespaces/_/actions/hello')).status).toBe(200);
    await ward.until(async () => (await metric(ward, 'ward_sandboxes{state="busy"}')) === 0);
  });

  it('after a check and a restart each accepted call has one record, and the log names the lost ones', async () => {
    // It also reports what it can't remove, so its exit code does not matter here.
    await ward.stop();
    expect(said()).toContain(first.id);
    await mounts.end();
    await start();
    expect(await ledger.call('hello', {}, true)).toMatchObject({ status: 200, saysLost: false });
    await settled(ward);
    await ward.until(async () => {
      const { body } = await ward.request('GET', '/api/v1/namespaces/_/activations?name=held&limit=0');
      return body.length === 2;
    });
    expect(ledger.unexplained()).toEqual([]);
    await ward.stop();
    const kept = await keptIn(mounts.path(dir, 'disk', 'ward', 'state', 'ward.db'));
    expect(ledger.unrecorded(kept).filter((id) => id !== first.id)).toEqual([]);
    expect(new Set(kept.records).size).toBe(kept.records.length);
    expect(kept).toMatchObject({ counted: kept.records.length, accepted: 0 });
  });
});
