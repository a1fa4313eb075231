/** A backup of a running Ward, restored in another place and started there. */
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { runCommand } from '../src/lib/index.ts';
import { dataPaths } from '../src/server/instance/instance.ts';
import { openStore, type Store } from '../src/store/index.ts';
import { writeImage } from './gate/layout.ts';
import { missingForOneMachine } from './one-machine.ts';
import { missingForSandboxes, runWard, startWard, Ward } from './ward.ts';

const missing = missingForSandboxes() ?? missingForOneMachine('PostgreSQL’s own tools back up a cluster');
/** Leaves out repeated verdicts: an image may have been judged again meanwhile, with the same outcome. */
const withoutTimes = (verdict: object) =>
  JSON.parse(JSON.stringify(verdict, (name, value) => (name === 'judgedAt' ? '' : value)));
const limits = { invocationsPerMinute: 1_000_000, concurrentInvocations: 1000 };
const actions = '/api/v1/namespaces/_/actions';
const certificate = { kind: 'certificate' as const, name: 'ward.example', document: { sealed: 'w1:a:b' } };

async function withAcme<T>(dataDir: string, work: (acme: Store['acme']) => Promise<T>): Promise<T> {
  await using store = await openStore({ path: dataPaths(dataDir).database });
  return await work(store.acme);
}

describe.skipIf(missing !== undefined)(`backup and restore${missing ? ` (${missing})` : ''}`, () => {
  let folder: string;
  let ward: Ward;
  let key: string;
  /** Where the backup was restored. */
  let elsewhere: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ward-backup-'));
    // Sandboxes must reach their code below it.
    await chmod(folder, 0o755);
    ward = await Ward.start({ limits });
    key = await ward.createNamespace('acme');
    await ward.request('PUT', `${actions}/keeper`, {
      body: {
        exec: { kind: 'nodejs:24', code: 'function main(p) { return { kept: p.pass, n: p.n } }' },
        parameters: [{ key: 'pass', value: 's3cret' }],
      },
    });
    await ward.deploy('theirs', 'function main() { return { of: "acme" } }', { auth: key });
    await writeImage(join(folder, 'image'), { run: '#!/usr/bin/env node\n' });
    await writeImage(join(folder, 'other'), { run: '#!/usr/bin/env node\n// other\n' });
    await push('image', 'guest/app:v1');
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  const skopeo = (...argv: readonly string[]) =>
    runCommand(['skopeo', '--insecure-policy', ...argv], { timeoutMs: 60_000 });
  const at = (image: string, to = ward) => `docker://${to.url.slice('http://'.length)}/${image}`;

  async function push(layout: string, image: string) {
    const creds = `--dest-creds=${ward.auth}`;
    const pushed = await skopeo(
      'copy',
      '--dest-tls-verify=false',
      creds,
      `oci:${join(folder, layout)}:v1`,
      at(image),
    );
    if (pushed.code !== 0) throw new Error(pushed.stderr);
  }

  async function local(...argv: string[]) {
    // These tests do not use the machine's image store.
    const env = { WARD_IMAGES: join(folder, 'images') };
    const result = await runWard([...argv, '-o', 'json'], { env });
    return { ...result, data: result.stdout === '' ? undefined : JSON.parse(result.stdout) };
  }

  /** Everything that a client can see of it. */
  async function seenOf(place: Ward) {
    const list = await place.request('GET', '/api/v1/namespaces/_/activations?docs=true&limit=200');
    const inspected = await skopeo(
      'inspect',
      '--tls-verify=false',
      `--creds=${place.auth}`,
      at('guest/app:v1', place),
    );
    const { Digest: digest } = JSON.parse(inspected.stdout);
    const audit = await local('audit', 'list', '--all', '--data', place.dataDir);
    return {
      digest,
      activations: list.body.map(({ activationId, response }: Record<string, unknown>) => [
        activationId,
        response,
      ]),
      verdict: withoutTimes((await place.request('GET', `/ward/v1/images/${digest}/verdict`)).body),
      keeper: (await place.request('GET', `${actions}/keeper`)).body,
      audit: audit.data,
    };
  }

  it('taken under load, it starts elsewhere with everything: code, keys, images, verdicts, records, audit log', async () => {
    for (let n = 0; n < 3; n++) await ward.invoke('keeper', { n });
    await withAcme(ward.dataDir, (acme) => acme.put(certificate, null));
    const before = await seenOf(ward);
    let isLoaded = true;
    const load = (async () => {
      for (let n = 0; isLoaded; n++) {
        await ward.deploy(`changing-${n % 3}`, `function main() { return { n: ${n} } }`);
        await ward.invoke('keeper', { n });
      }
    })();
    const pushing = push('other', 'guest/other:v1');
    const file = join(folder, 'loaded.tar.zst');
    const { code, data } = await local('backup', file, '--force', '--with-keys', '--data', ward.dataDir);
    isLoaded = false;
    await Promise.all([load, pushing]);
    expect(code).toBe(0);
    expect(data).toMatchObject({ damaged: [], missing: [{ part: 'advisories' }] });

    elsewhere = join(folder, `elsewhere-${Date.now()}`);
    const dataDir = elsewhere;
    expect(await local('restore', file, '--data', dataDir)).toMatchObject({
      code: 0,
      data: { wasUnfinished: false },
    });
    expect(await withAcme(dataDir, (acme) => acme.list('certificate'))).toMatchObject([certificate]);
    const other = await Ward.start({}, dataDir);
    onTestFinished(() => other.stop().then(() => {}));
    const after = await seenOf(other);
    expect(after.activations.length).toBeGreaterThanOrEqual(before.activations.length);
    expect(after.activations).toEqual(expect.arrayContaining(before.activations));
    expect(after.audit.slice(0, before.audit.length)).toEqual(before.audit);
    expect({ ...after, activations: [], audit: [] }).toEqual({ ...before, activations: [], audit: [] });
    expect(await local('audit', 'verify', '--data', dataDir)).toMatchObject({ code: 0 });
    expect((await other.invoke('keeper', { n: 1 })).body.response.result).toEqual({ kept: 's3cret', n: 1 });
    expect((await other.invoke('theirs', {}, key)).body.response.result).toEqual({ of: 'acme' });
    for (const { name } of (await other.request('GET', actions)).body)
      expect((await other.invoke(name)).status).toBe(200);
    const from = [
      '--src-tls-verify=false',
      `--src-creds=${other.auth}`,
      at(`guest/app@${before.digest}`, other),
    ];
    expect(await skopeo('copy', ...from, `dir:${join(folder, 'pulled')}`)).toMatchObject({ code: 0 });
  });

  it('killed in the middle, it leaves a server that serves, and a file that is not a backup', async () => {
    const file = join(folder, 'killed.tar.zst');
    const stage = join(ward.dataDir, 'backup');
    const child = startWard(['backup', file, '--data', ward.dataDir]);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await ward.until(() => existsSync(stage) || child.exitCode !== null);
    child.kill('SIGKILL');
    await ended;
    expect((await ward.invoke('keeper', { n: 2 })).status).toBe(200);
    const again = await local('backup', file, '--force', '--data', ward.dataDir);
    expect(again).toMatchObject({ code: 0 });
    expect([existsSync(stage), existsSync(`${file}.part`)]).toEqual([false, false]);
    const parts = again.data.missing.map(({ part }: { part: string }) => part);
    expect(parts).toEqual(['advisories', 'parameter keys', 'guest key']);
    expect(again.stderr).toMatch(
      /missing: parameter keys .*the restored server can’t read encrypted parameters/,
    );
    expect((await local('backup', file, '--data', ward.dataDir)).stderr).toMatch(/FILE_EXISTS/);
  });

  it('interrupted in the middle, it says so, and leaves no file', async () => {
    const file = join(folder, 'interrupted.tar.zst');
    const stage = join(ward.dataDir, 'backup');
    const blobs = join(dataPaths(ward.dataDir).registry, 'blobs', 'sha256');
    // Long to read, and without a byte on the disk. A link to the file of another user would not be allowed.
    const long = join(blobs, '0'.repeat(64));
    writeFileSync(long, '');
    truncateSync(long, 8 * 1024 ** 3);
    const { uid, gid } = statSync(blobs);
    chownSync(long, uid, gid);
    onTestFinished(() => rmSync(long));
    const child = startWard(['backup', file, '--data', ward.dataDir]);
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    const ended = once(child, 'close');
    await ward.until(() => existsSync(`${file}.part`) || child.exitCode !== null);
    child.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
    expect(said).toContain(`error[INTERRUPTED]: ${file} was not written\n`);
    expect([file, `${file}.part`, stage].map(existsSync)).toEqual([false, false, false]);
  });

  it('without its database, its gate, its registry or its keys a Ward starts only when told to', async () => {
    const dataDir = join(folder, 'incomplete');
    const restored = await local('restore', join(folder, 'killed.tar.zst'), '--data', dataDir);
    expect(restored).toMatchObject({ code: 0 });
    const up = (...more: string[]) => runWard(['up', '--listen', '127.0.0.1:0', '--data', dataDir, ...more]);
    expect(await up()).toMatchObject({ code: 1, stderr: expect.stringMatching(/DATA_DIR_INCOMPLETE.*keys/) });
    writeFileSync(join(dataDir, 'parameters.keys'), readFileSync(join(ward.dataDir, 'parameters.keys')), {
      mode: 0o600,
    });
    renameSync(join(dataDir, 'state'), join(dataDir, 'away'));
    expect(await up()).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/DATA_DIR_INCOMPLETE.*its database/),
    });
    expect([existsSync(join(dataDir, 'state')), existsSync(join(dataDir, 'guest.auth'))]).toEqual([
      false,
      false,
    ]);
    renameSync(join(dataDir, 'away'), join(dataDir, 'state'));
    rmSync(join(dataDir, 'gate'), { recursive: true });
    const refused = await up('--accept-missing', 'keys', '--accept-missing', 'registry');
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/DATA_DIR_INCOMPLETE.*its gate/),
    });
    expect(refused.stderr).toContain('--accept-missing gate');
    expect(refused.stdout).not.toContain('ready');
    expect(existsSync(join(dataDir, 'gate'))).toBe(false);
    await mkdir(join(dataDir, 'restore'));
    expect(await up()).toMatchObject({ code: 1, stderr: expect.stringMatching(/RESTORE_UNFINISHED/) });
    expect(await up('--accept-missing', 'all')).toMatchObject({ code: 2 });
  });

  it('with another server’s gate a Ward starts only when told to', async () => {
    const [own, others] = [elsewhere, join(folder, 'others')];
    await (await Ward.start({}, others)).stop();
    rmSync(join(own, 'gate'), { recursive: true });
    renameSync(join(others, 'gate'), join(own, 'gate'));
    const up = ['up', '--listen', '127.0.0.1:0', '--data', own];
    expect(await runWard(up)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/DATA_DIR_MIXED.*gate\/gate\.db: /),
    });
    const accepted = startWard([...up, '--accept-mixed']);
    const [line] = (await once(accepted.stdout ?? accepted, 'data')) as [Buffer];
    expect(String(line)).toContain('ready');
    accepted.kill();
    await once(accepted, 'exit');
    await (await Ward.start({}, own)).stop();
  });
});
