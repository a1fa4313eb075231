/** Two registries over one PostgreSQL database and one bucket, to which a load balancer sends one request each in turn. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestHex, digestOf } from '../src/blobs/index.ts';
import { startFaultProxy } from '../src/blobs/s3/fault-proxy.fixture.ts';
import { missingForMoto, startMoto, type TestServer, testBucket } from '../src/blobs/s3/moto.fixture.ts';
import { startCommand } from '../src/lib/index.ts';
import { newDatabase, transactionOn } from '../src/store/postgres/databases.fixture.ts';
import { missingForPostgres, startPostgres } from '../src/store/postgres/server.fixture.ts';

const missing = (await missingForPostgres()) ?? (await missingForMoto());
const server = missing === undefined ? await startPostgres() : undefined;

/** The program accepts every key. */
const headers = { authorization: 'Basic eDp5' };

interface Registry extends AsyncDisposable {
  readonly url: string;
  /** Begins a sweep, without a grace period. */
  sweep(): void;
  kill(): Promise<void>;
}

describe.skipIf(missing !== undefined)(`two registries${missing ? ` (${missing})` : ''}`, () => {
  const stack = new AsyncDisposableStack();
  let moto: TestServer;
  let registries: Registry[];

  const start = async (database: string, endpoint: string): Promise<Registry> => {
    const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'ward-registry-shared-')));
    const program = fileURLToPath(new URL('./registry-server.ts', import.meta.url));
    const location = `s3://${testBucket}/shared?endpoint=${endpoint}`;
    const argv = [process.execPath, program, folder.path, database, location];
    const child = startCommand(argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    if (child.stdout === null) throw new Error('no stdout');
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    const kill = async () => {
      child.kill('SIGKILL');
      await ended;
    };
    const sweep = () => void child.stdin?.write('\n');
    return stack.use({
      ...{ url: String(line).replace('ready ', ''), sweep, kill },
      [Symbol.asyncDispose]: kill,
    });
  };
  /** Two of them, with nothing pushed yet. */
  const startTwo = async (endpoint: string) => {
    const { url: database } = await newDatabase(server);
    registries = [await start(database, endpoint), await start(database, endpoint)];
    return database;
  };

  beforeAll(async () => {
    if (server !== undefined) stack.use(server);
    moto = stack.use(await startMoto());
    await startTwo(moto.url);
  }, 60_000);
  afterAll(() => stack.disposeAsync());

  const call = async (at: number, method: string, path: string, body?: Buffer, range?: string) => {
    const answer = await fetch(new URL(path, registries[at]?.url), {
      method,
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
      headers: { ...headers, ...(range === undefined ? {} : { 'content-range': range }) },
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    return { status: answer.status, headers: answer.headers, bytes, text: String(bytes) };
  };
  const begin = async (at: number) => {
    const begun = await call(at, 'POST', '/v2/guest/app/blobs/uploads/');
    expect(begun, begun.text).toMatchObject({ status: 202 });
    return begun.headers.get('location') ?? '';
  };

  test('continue a push whose requests reach them in turn', async () => {
    const bytes = randomBytes(3_000_000);
    const path = await begin(0);
    for (const [at, first] of [
      [1, 0],
      [0, 1_000_000],
    ] as const) {
      const chunk = bytes.subarray(first, first + 1_000_000);
      const answer = await call(at, 'PATCH', path, chunk, `${first}-${first + chunk.length - 1}`);
      expect(answer, answer.text).toMatchObject({ status: 202 });
      expect(answer.headers.get('range')).toBe(`0-${first + chunk.length - 1}`);
    }
    const wrong = await call(1, 'PATCH', path, bytes.subarray(0, 10), '0-9');
    expect([wrong.status, wrong.headers.get('range')]).toEqual([416, '0-1999999']);
    const digest = digestOf(bytes);
    const last = await call(1, 'PUT', `${path}?digest=${digest}`, bytes.subarray(2_000_000));
    expect(last, last.text).toMatchObject({ status: 201 });
    for (const at of [0, 1])
      expect((await call(at, 'GET', `/v2/guest/app/blobs/${digest}`)).bytes.equals(bytes)).toBe(true);
  });

  test('lose nothing that was acknowledged when one is killed in the middle of a chunk', async () => {
    const bytes = randomBytes(2_000_000);
    const path = await begin(0);
    expect((await call(0, 'PATCH', path, bytes.subarray(0, 800_000))).status).toBe(202);
    const cut = request(new URL(path, registries[0]?.url), { method: 'PATCH', headers });
    const broken = once(cut, 'error');
    cut.write(bytes.subarray(800_000, 1_500_000));
    // The server has the bytes when it asks for more.
    await once(cut, 'drain');
    await registries[0]?.kill();
    await broken;
    const known = await call(1, 'GET', path);
    expect([known.status, known.headers.get('range')]).toEqual([204, '0-799999']);
    const rest = await call(1, 'PATCH', path, bytes.subarray(800_000), '800000-1999999');
    expect(rest, rest.text).toMatchObject({ status: 202 });
    const digest = digestOf(bytes);
    const put = await call(1, 'PUT', `${path}?digest=${digest}`);
    expect(put, put.text).toMatchObject({ status: 201 });
    expect((await call(1, 'GET', `/v2/guest/app/blobs/${digest}`)).bytes.equals(bytes)).toBe(true);
  });

  test('keep bytes that are pushed again from a removal that the store carries out late', async () => {
    const proxy = stack.use(await startFaultProxy(moto.url));
    const database = await startTwo(proxy.url);
    const bytes = randomBytes(1000);
    const digest = digestOf(bytes);
    const key = `shared/registry/sha256/${digestHex(digest)}`;
    const push = async () => {
      const path = await begin(1);
      const sent = await call(1, 'PATCH', path, bytes);
      return sent.status === 202 ? await call(1, 'PUT', `${path}?digest=${digest}`) : sent;
    };
    expect((await push()).status).toBe(201);
    const [asked, late] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    proxy.breakage = ({ method, path }) => {
      if (method !== 'DELETE' || !path.includes(key)) return undefined;
      asked.resolve();
      return { kind: 'late', until: late.promise };
    };
    registries[0]?.sweep();
    await asked.promise;
    await registries[0]?.kill();
    const again = await push();
    expect([again.status, again.headers.get('retry-after'), again.text]).toEqual([
      ...[503, '60', expect.stringContaining('UNAVAILABLE')],
    ]);
    late.resolve();
    await expect.poll(() => moto.get(key)).toBeUndefined();
    // As if the time had passed in which the store can still carry out the removal.
    await using other = await transactionOn(database);
    await other.query('update registry.blobs set removal_at = removal_at - 20 * 60000');
    await other.query('commit');
    expect((await push()).status).toBe(201);
    expect((await call(1, 'GET', `/v2/guest/app/blobs/${digest}`)).bytes.equals(bytes)).toBe(true);
  });
});
