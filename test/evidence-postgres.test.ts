/** Signatures on two servers over one PostgreSQL: what one takes or deletes, the other one soon judges by. */
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openBlobFiles } from '../src/content/content.ts';
import { migrations, schema } from '../src/content/postgres/migrations.ts';
import { startPlatform } from '../src/functions/platform.fixture.ts';
import { parsePolicy } from '../src/gate/index.ts';
import { parseStoreSetting } from '../src/server/config/store-setting.ts';
import { createSigner, imageWith, openPlace } from '../src/server/gate/guarded.fixture.ts';
import { storesOf } from '../src/server/stores/stores.ts';
import { newDatabase } from '../src/store/postgres/databases.fixture.ts';
import { openPostgresStore } from '../src/store/postgres/open.ts';
import { openSchema } from '../src/store/postgres/open-database.ts';
import { missingForPostgres, startPostgres } from '../src/store/postgres/server.fixture.ts';

const missing = await missingForPostgres();
const server = missing === undefined ? await startPostgres() : undefined;
afterAll(() => server?.[Symbol.asyncDispose]());

const signer = createSigner();
const policy = `${signer.policyKey}\noverrides: [{ stages: [run], rules: { signatures: { action: deny, keys: [release] } } }]`;
const app = 'guest/app';

/** @param hints whether the first server tells the second one, which otherwise looks at intervals */
async function startServers(hints: boolean) {
  await using stack = new AsyncDisposableStack();
  const { url } = await newDatabase(server);
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'ward-evidence-')));
  const pushedBlobs = await openBlobFiles(folder.path);
  const store = parseStoreSetting(url);
  const storesAt = (dataDir: string) => storesOf({ dataDir, store, blobs: undefined }, undefined);
  const hint = { send: () => {} };
  const places = [
    stack.use(await openPlace({ storesAt, pushedBlobs, tellOthers: () => hint.send() })),
    stack.use(await openPlace({ storesAt, pushedBlobs })),
  ] as const;
  const [one, two] = places;
  const { functions } = stack.use(
    await startPlatform({
      isAlone: false,
      openStore: () => openPostgresStore({ url }),
      onEvidenceChanged: (images) => two.guarded.evidenceChangedElsewhere(images),
      ...(hints && { lookEveryMs: 600_000 }),
    }),
  );
  if (hints) hint.send = () => void functions.lookForChanges();
  for (const place of places) {
    await place.policy(policy);
    const { revision } = parsePolicy(`form: 1\n${policy}`);
    await expect.poll(() => place.guarded.revisions().policy, { timeout: 10_000 }).toBe(revision);
  }
  const opened = stack.move();
  return { one, two, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

describe.skipIf(missing !== undefined)(`PostgreSQL${missing ? ` (${missing})` : ''}`, () => {
  test.each([
    ['without a bus', false],
    ['by a hint', true],
  ])(
    'a signature that one server takes or deletes counts on the other within a second, %s',
    async (_how, hints) => {
      await using servers = await startServers(hints);
      const { one, two } = servers;
      const image = await imageWith({ signed: 'or not' });
      expect((await one.push(app, 'v1', image)).status).toBe(201);
      const signature = signer.signatureOf(image);
      const outcomes = async (isDenied: boolean) => {
        const changedAt = performance.now();
        const outcome = async () => (await two.mayRun(`${app}:v1`)).outcome === 'deny';
        await expect.poll(outcome, { interval: 20, timeout: 5000 }).toBe(isDenied);
        expect(performance.now() - changedAt).toBeLessThan(1000);
        expect((await one.mayRun(`${app}:v1`)).outcome === 'deny').toBe(isDenied);
      };
      await outcomes(true);
      for (const reference of [signature.tag, signature.manifest.digest]) {
        await one.attach(app, signature);
        await outcomes(false);
        expect((await one.call('DELETE', `/v2/${app}/manifests/${reference}`)).status).toBe(202);
        await outcomes(true);
      }
    },
  );

  test('a server of the version before it can still start on tables that note them', async () => {
    const { url } = await newDatabase(server);
    const before = Object.fromEntries(Object.entries(migrations).slice(0, -2));
    const newer: string[] = [];
    for (const known of [migrations, before]) {
      const onNewer = (migration: string) => void newer.push(migration);
      const pool = await openSchema({ url, schema, migrations: known, onNewer });
      await pool.close();
    }
    expect(newer).toEqual(['0006-removal-marks']);
  });
});
