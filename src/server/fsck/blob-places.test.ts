/** A data folder and a PostgreSQL database whose blobs are in a bucket. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { digestHex, digestOf } from '../../blobs/index.ts';
import { missingForMoto, startMoto, type TestServer, testBucket } from '../../blobs/s3/moto.fixture.ts';
import { openRegistryStore } from '../../content/index.ts';
import { openPostgresGateStore } from '../../gate/index.ts';
import { randomHex } from '../../lib/index.ts';
import { openPostgresStore, openStore, type Store } from '../../store/index.ts';
import { newDatabase } from '../../store/postgres/databases.fixture.ts';
import {
  missingForPostgres,
  type PostgresServer,
  startPostgres,
} from '../../store/postgres/server.fixture.ts';
import { readSharedRow, writeSharedRow } from '../advisories/shared-row.ts';
import { emptyPlace, filledPlace, pushImage, putAction, type TestFolder } from '../backup/backup.fixture.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { dataPaths } from '../instance/instance.ts';
import { openVaultKeys } from '../secrets/vault-keys.ts';
import { checkAll } from './fsck.ts';

const missing = (await missingForMoto()) ?? (await missingForPostgres());
const advisories = digestOf('advisories');

describe.skipIf(missing !== undefined)(`blobs in a bucket${missing ? ` (${missing})` : ''}`, () => {
  let moto: TestServer;
  let server: PostgresServer;
  let prefix: string;
  let place: TestFolder | undefined;

  beforeAll(async () => {
    moto = await startMoto();
    server = await startPostgres();
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await moto?.[Symbol.asyncDispose]();
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await place?.[Symbol.asyncDispose]();
  });

  /** Moves the blobs of a folder, and names the bucket. */
  async function move(from: TestFolder): Promise<void> {
    prefix = `f-${randomHex(4)}`;
    for (const area of ['code', 'registry'] as const) {
      const folder = join(dataPaths(from.dataDir)[area], 'blobs');
      for (const name of readdirSync(join(folder, 'sha256')))
        await moto.put(`${prefix}/${area}/sha256/${name}`, readFileSync(join(folder, 'sha256', name)));
      rmSync(folder, { recursive: true });
    }
    await openVaultKeys({ dataDir: from.dataDir }, undefined, true);
    vi.stubEnv('WARD_BLOBS', `s3://${testBucket}/${prefix}?endpoint=${moto.url}`);
    vi.stubEnv('WARD_IMAGES', undefined);
    place = from;
  }

  /** Both return how to open the state. */
  async function inFiles(): Promise<() => Promise<Store>> {
    const filled = await filledPlace();
    rmSync(dataPaths(filled.dataDir).parameterKeys);
    rmSync(gatePaths(filled.dataDir).advisories);
    await move(filled);
    return () => openStore({ path: dataPaths(filled.dataDir).database });
  }

  async function inPostgres(): Promise<() => Promise<Store>> {
    const empty = await emptyPlace();
    mkdirSync(empty.dataDir);
    mkdirSync(empty.imagesDir);
    const { url } = await newDatabase(server);
    await using store = await openPostgresStore({ url });
    const settings = { limits: {}, settings: {}, createdAt: 1 };
    await store.namespaces.create({ name: 'guest', keyId: 'k', keyHash: 'h', ...settings });
    await putAction(empty, store, 'hello', 'function main() {}');
    const { registry: dir } = dataPaths(empty.dataDir);
    await using registry = await openRegistryStore({ dir, database: { kind: 'postgres', url } });
    await pushImage(registry, 'a layer');
    await using gate = await openPostgresGateStore({ url });
    const shared = {
      ...{ form: 1, revision: '0'.repeat(16), builtAt: '2026-01-01T00:00:00.000Z', bytes: 9 },
      ...{ blob: advisories, blobBytes: 10, node: 'a', at: '2026-01-01T00:00:00.000Z' },
    };
    await writeSharedRow(gate, shared, await readSharedRow(gate));
    await move(empty);
    await moto.put(`${prefix}/advisories/sha256/${digestHex(advisories)}`, 'advisories');
    vi.stubEnv('WARD_STORE', url);
    return () => openPostgresStore({ url });
  }

  async function check(signal = new AbortController().signal) {
    const { dataDir = '', configFile = '' } = place ?? {};
    const steps: string[] = [];
    const options = {
      dataDir,
      configFile,
      repair: false,
      onStep: (text: string) => steps.push(text),
      signal,
    };
    const report = await checkAll(options);
    const told = report.findings.map(({ area, of, problem }) => `${area}: ${of} ${problem}`);
    return { ...report, told, notes: report.notes.join('\n'), steps };
  }

  const keyOf = (area: string, text: string) => `${prefix}/${area}/sha256/${digestHex(digestOf(text))}`;
  const code = 'function main() {}';

  describe.each([
    ['SQLite', inFiles],
    ['PostgreSQL', inPostgres],
  ])('with the tables in %s', (_, fill) => {
    test('are compared by their names', async () => {
      await fill();
      const { findings, notes, checked, steps } = await check();
      expect(findings).toEqual([]);
      expect(checked).toMatchObject({ code: 1, registry: 3 });
      expect(notes).toContain(`the blobs in s3://${testBucket}/${prefix}/`);
      expect(notes).not.toContain('unused');
      expect(steps).toEqual(
        expect.arrayContaining(['comparing code with the bucket 1', 'comparing registry with the bucket 1']),
      );
    });

    test('are told when they are missing, with what names them', async () => {
      await fill();
      await moto.remove(keyOf('code', code));
      await moto.remove(keyOf('registry', 'a layer'));
      expect((await check()).told.toSorted()).toEqual([
        `code: ${digestOf(code)} (guest/hello) is missing in the bucket`,
        `registry: ${digestOf('a layer')} (guest/app) is missing in the bucket`,
      ]);
    });

    test('are noted when nothing names them', async () => {
      await fill();
      for (const area of ['code', 'registry']) await moto.put(keyOf(area, 'left over'), 'left over');
      const { findings, notes } = await check();
      expect(findings).toEqual([]);
      for (const area of ['code', 'registry'])
        expect(notes).toContain(`${area}: 1 blobs in the bucket are unused (${digestOf('left over')});`);
    });

    test('can’t be compared while the bucket does not answer', async () => {
      await fill();
      vi.stubEnv('WARD_BLOBS', `s3://${testBucket}/${prefix}?endpoint=http://127.0.0.1:9`);
      await expect(check()).rejects.toMatchObject({ code: 'BLOB_STORE_UNREACHABLE' });
    });

    test('are no longer compared when the command is interrupted', async () => {
      await fill();
      const stop = new AbortController();
      stop.abort(new Error('interrupted'));
      await expect(check(stop.signal)).rejects.toThrow('interrupted');
    });

    test('are not noted while an accepted call needs them', async () => {
      const open = await fill();
      await moto.put(keyOf('code', 'of a call'), 'of a call');
      await using store = await open();
      const [activationId, codeDigest] = ['a'.repeat(32), digestOf('of a call')];
      await store.accepted.accept({
        ...{ activationId, namespace: 'guest', acceptedAt: 1, owner: 'a', codeDigest, job: {} },
      });
      expect((await check()).notes).not.toContain('unused');
    });
  });

  test('the advisories that nodes share are among them', async () => {
    await inPostgres();
    expect((await check()).told).toEqual([]);
    await moto.remove(keyOf('advisories', 'advisories'));
    expect((await check()).told).toEqual([
      `advisories: ${advisories} is missing in the bucket, so no further node gets the advisories`,
    ]);
  });
});
