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
import { digestOf } from '../src/blobs/index.ts';
import { missingForMoto, startMoto, type TestServer, testBucket } from '../src/blobs/s3/moto.fixture.ts';
import { startCommand } from '../src/lib/index.ts';
import { newDatabase } from '../src/store/postgres/databases.fixture.ts';
import { missingForPostgres, startPostgres } from '../src/store/postgres/server.fixture.ts';

const missing = (await missingForPostgres()) ?? (await missingForMoto());
const server = missing === undefined ? await startPostgres() : undefined;

/** The program accepts every key. */
const headers = { authorization: 'Basic eDp5' };

interface Registry extends AsyncDisposable {
  readonly url: string;
  kill(): Promise<void>;
}

describe.skipIf(missing !== undefined)(`two registries${missing ? ` (${missing})` : ''}`, () => {
  const stack = new AsyncDisposableStack();
  let moto: TestServer;
  let registries: Registry[];

  const start = async (): Promise<Registry> => {
    const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'ward-registry-shared-')));
    const program = fileURLToPath(new URL('./registry-server.ts', import.meta.url));
    const location = `s3://${testBucket}/shared?endpoint=${moto.url}`;
    const argv = [process.execPath, program, folder.path, database, location];
    const child = startCommand(argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    if (child.stdout === null) throw new Error('no stdout');
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    const kill = async () => {
      child.kill('SIGKILL');
      await ended;
    };
    return stack.use({ url: String(line).replace('ready ', ''), kill, [Symbol.asyncDispose]: kill });
  };
  let database = '';

  beforeAll(async () => {
    if (server !== undefined) stack.use(server);
    moto = stack.use(await startMoto());
    database = (await newDatabase(server)).url;
    registries = [await start(), await start()];
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
});
