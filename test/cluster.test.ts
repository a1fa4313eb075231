/** Servers as one Ward: PostgreSQL, NATS and an S3-compatible store between them, and real sandboxes. */
import { randomBytes } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingForMoto, startMoto, testBucket } from '../src/blobs/s3/moto.fixture.ts';
import { missingForNats, startNats } from '../src/bus/nats-server.fixture.ts';
import { mustRun } from '../src/lib/index.ts';
import { missingForPostgres, startPostgres } from '../src/store/postgres/server.fixture.ts';
import { missingForSandboxes, runWard, Ward } from './ward.ts';

const missing =
  missingForSandboxes() ??
  (await missingForPostgres()) ??
  (await missingForNats()) ??
  (await missingForMoto());

const quick = 'const main = ({ n }) => ({ n })';
const slow = 'const main = ({ ms }) => new Promise((done) => setTimeout(() => done({ ms }), ms))';

describe.skipIf(missing !== undefined)(`a cluster${missing ? ` (${missing})` : ''}`, () => {
  const stack = new AsyncDisposableStack();
  let a: Ward;
  let b: Ward;
  let store: string;
  let startApi: () => Promise<Ward>;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ward-cluster-'));
    stack.defer(() => rm(folder, { recursive: true }));
    const [postgres, nats, moto] = await Promise.all([startPostgres(), startNats(), startMoto()]);
    for (const engine of [postgres, nats, moto]) stack.use(engine);
    await postgres.admin('create database ward');
    const keyFile = join(folder, 'keys');
    await writeFile(keyFile, `one:${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    store = postgres.url('ward');
    const config = (node: string, memoryMiB: number) => ({
      ...{ store, bus: nats.setting, cluster: { node }, parameters: { keyFile } },
      blobs: `s3://${testBucket}/ward?endpoint=${moto.url}`,
      invoker: { prewarm: [], memoryMiB },
    });
    // The first one has room for one sandbox.
    a = stack.use(await Ward.start(config('a', 256)));
    const dataDir = join(folder, 'b');
    await mkdir(dataDir);
    await copyFile(join(a.dataDir, 'guest.auth'), join(dataDir, 'guest.auth'));
    b = stack.use(await Ward.start(config('b', 1024), dataDir));
    for (const [name, code] of Object.entries({ quick, slow })) await a.deploy(name, code);
    startApi = async () => {
      const [own, ownKeys] = [join(folder, 'c'), join(folder, 'c-keys')];
      await mkdir(own);
      await copyFile(join(a.dataDir, 'guest.auth'), join(own, 'guest.auth'));
      await copyFile(keyFile, ownKeys);
      await chmod(folder, 0o711);
      await mustRun(['chown', '-R', 'ward:ward', own, ownKeys]);
      const settings = { ...config('c', 128), parameters: { keyFile: ownKeys } };
      const through = ['setpriv', '--reuid=ward', '--regid=ward', '--clear-groups', '--'];
      return (await Ward.startSaying(settings, own, undefined, { flags: ['--role', 'api'], through })).ward;
    };
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

  test('a node for the API alone has no rights, and its calls run on the others', async () => {
    const c = stack.use(await startApi());
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
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    const admitted = statuses.filter((status) => status !== 429).length;
    expect(admitted).toBeGreaterThan(0);
    expect(admitted).toBeLessThanOrEqual(4);
  });

  test('a killed server: callers of the other learn it within seconds, and accepted calls go on', async () => {
    const running = () => b.sandboxStates().filter((state) => state !== 'FROZEN').length;
    await b.until(() => running() === 0);
    const lost = [a.invoke('slow', { ms: 6000 }), a.invoke('slow', { ms: 6001 })];
    await b.until(() => running() > 0);
    const accepted = await b.request('POST', '/api/v1/namespaces/_/actions/quick', { body: { n: 2 } });
    const killedAt = performance.now();
    await b.kill();
    const first = await Promise.race(lost);
    expect(first).toMatchObject({
      status: 502,
      body: { response: { result: { error: expect.stringContaining('interrupted') } } },
    });
    expect(performance.now() - killedAt).toBeLessThan(10_000);
    expect((await a.activation(accepted.body.activationId)).end).toBeGreaterThan(0);
    await Promise.all(lost);
  });
});
