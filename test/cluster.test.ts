/** Two servers as one Ward: PostgreSQL, NATS and an S3-compatible store between them, and real sandboxes on both. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingForMoto, startMoto, testBucket } from '../src/blobs/s3/moto.fixture.ts';
import { missingForNats, startNats } from '../src/bus/nats-server.fixture.ts';
import { missingForPostgres, startPostgres } from '../src/store/postgres/server.fixture.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing =
  missingForSandboxes() ??
  (await missingForPostgres()) ??
  (await missingForNats()) ??
  (await missingForMoto());

const quick = 'const main = ({ n }) => ({ n })';
const slow = 'const main = ({ ms }) => new Promise((done) => setTimeout(() => done({ ms }), ms))';

describe.skipIf(missing !== undefined)(`a cluster of two servers${missing ? ` (${missing})` : ''}`, () => {
  const stack = new AsyncDisposableStack();
  let a: Ward;
  let b: Ward;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ward-cluster-'));
    stack.defer(() => rm(folder, { recursive: true }));
    const [postgres, nats, moto] = await Promise.all([startPostgres(), startNats(), startMoto()]);
    for (const engine of [postgres, nats, moto]) stack.use(engine);
    await postgres.admin('create database ward');
    const keyFile = join(folder, 'keys');
    await writeFile(keyFile, `one:${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    const config = (node: string, memoryMiB: number) => ({
      ...{ store: postgres.url('ward'), bus: nats.setting, cluster: { node }, parameters: { keyFile } },
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

  test('a killed server: callers of the other learn it within seconds, and accepted calls go on', async () => {
    const lost = [a.invoke('slow', { ms: 6000 }), a.invoke('slow', { ms: 6001 })];
    const states = () => b.sandboxStates().filter((state) => state === 'THAWED').length;
    await a.until(() => states() > 0);
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
