/** The operator's commands on the machine itself, on a data folder without a server. */
import { chown, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { digestOf, openBlobStore } from '../blobs/index.ts';
import { openRegistryStore, parseRepositoryName } from '../content/index.ts';
import { createVault } from '../functions/index.ts';
import { mustRun, tryFileLock } from '../lib/index.ts';
import { openStore } from '../store/index.ts';
import { namespaceAdmin } from './admin/namespaces.ts';
import { vaultAdmin } from './admin/vault.ts';
import { dataPaths } from './instance/instance.ts';
import { openVaultKeys } from './secrets/vault-keys.ts';

async function start() {
  const dataDir = await mkdtemp(join(tmpdir(), 'ward-operator-'));
  const paths = dataPaths(dataDir);
  await using store = await openStore({ path: paths.database });
  await store.close();
  return {
    dataDir,
    paths,
    /** Makes the keys like the first start of a server. */
    keys: async () => (await openVaultKeys({ dataDir }, undefined, true)).keys,
    async putAction(document: Record<string, unknown>, digest: string | null = null) {
      await using opened = await openStore({ path: paths.database });
      const row = {
        namespace: 'guest',
        path: 'a',
        collection: 'actions',
        revision: 'r',
        updatedAt: 1,
        codeDigest: digest,
        link: null,
        shared: false,
        document: JSON.parse(JSON.stringify(document)),
      } as const;
      await opened.entities.put(row, null);
    },
    async action() {
      await using opened = await openStore({ path: paths.database });
      return await opened.entities.get('guest', 'a');
    },
    [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true }),
  };
}

describe('a namespace', () => {
  test('gets additional keys, which are listed and deleted', async () => {
    await using at = await start();
    await using admin = await namespaceAdmin({ dataDir: at.dataDir });
    await admin.create('guest');
    const { key, keyId } = await admin.createKey('guest', { scope: 'invoke', label: 'shop' });
    expect(key).toMatch(new RegExp(`^${keyId}:[A-Za-z0-9]{64}$`));
    expect((await admin.listKeys('guest')).map(({ scope }) => scope)).toEqual(['admin', 'invoke']);
    await admin.deleteKey('guest', keyId);
    expect(await admin.listKeys('guest')).toHaveLength(1);
  });

  test('has its limits shown with its own retention', async () => {
    await using at = await start();
    await using admin = await namespaceAdmin({ dataDir: at.dataDir });
    await admin.create('guest');
    expect(await admin.limits('guest', {})).not.toHaveProperty('retentionMaxAgeDays');
    expect(
      await admin.limits('guest', { retentionMaxAgeDays: 1, retentionMaxRecords: 0, firesPerMinute: 2 }),
    ).toMatchObject({ retentionMaxAgeDays: 1, retentionMaxRecords: 0, firesPerMinute: 2 });
  });

  test('is listed with all others, with its holdings and last use', async () => {
    await using at = await start();
    const digest = await openBlobStore(at.paths.code).put(Buffer.from('code'));
    await using admin = await namespaceAdmin({ dataDir: at.dataDir });
    for (const name of ['guest', 'other']) await admin.create(name);
    await admin.limits('other', { firesPerMinute: 2, retentionMaxAgeDays: 1 });
    await at.putAction({}, digest);
    await using registry = await openRegistryStore({ dir: at.paths.registry });
    const pushed = Buffer.alloc(5000);
    const upload = await registry.startUpload(parseRepositoryName('guest/app'));
    await upload.append(Readable.from([Buffer.from(pushed)]));
    await upload.finish(digestOf(pushed));
    const { total, namespaces } = await admin.overview({ skip: 0, limit: 30 });
    const nothing = { codeBytes: 0, recordBytes: 0, registryBytes: 0 };
    expect([total, namespaces]).toMatchObject([
      2,
      [
        {
          name: 'guest',
          actions: 1,
          lastUsedAt: null,
          disk: { ...nothing, codeBytes: 4096, registryBytes: 5000 },
        },
        { name: 'other', disk: nothing, limits: { firesPerMinute: 2, retentionMaxAgeDays: 1 } },
      ],
    ]);
    const page = await admin.overview({ skip: 1, limit: 1 });
    expect([page.total, page.namespaces.map(({ name }) => name)]).toEqual([2, ['other']]);
  });

  test('is deleted with its code, unless another one has it or a server runs', async () => {
    await using at = await start();
    const blobs = openBlobStore(at.paths.code);
    const digest = await blobs.put(Buffer.from('code'));
    await using admin = await namespaceAdmin({ dataDir: at.dataDir });
    await admin.create('guest');
    await admin.create('other');
    await at.putAction({}, digest);
    await admin.delete('other');
    expect(await blobs.has(digest)).toBe(true);
    {
      using _running = tryFileLock(at.paths.lock);
      await admin.delete('guest');
      expect(await blobs.has(digest)).toBe(true);
    }
    await admin.create('guest');
    await admin.delete('guest');
    expect(await blobs.has(digest)).toBe(false);
  });
});

describe('the vault', () => {
  const secret = [{ key: 'a', value: 's3cret' }];

  async function withAction() {
    const at = await start();
    const vault = createVault(await at.keys());
    await using admin = await namespaceAdmin({ dataDir: at.dataDir });
    await admin.create('guest');
    await at.putAction({ parameters: vault.sealParameters(secret, 'guest/a') });
    return Object.assign(at, { vault });
  }

  test('is listed by key ids, never by keys', async () => {
    await using at = await withAction();
    await using admin = await vaultAdmin({ dataDir: at.dataDir });
    const [, id, key] = /^(\w+):(\S+)$/m.exec(await readFile(at.paths.parameterKeys, 'utf8')) ?? [];
    const status = await admin.status();
    expect(status).toEqual({
      source: at.paths.parameterKeys,
      keys: [{ id, use: 'encrypts', kept: 1, waiting: 0 }],
      clear: 0,
      isPartial: false,
    });
    expect(JSON.stringify(status)).not.toContain(key);
  });

  test('is rotated beside a server, which can still read', async () => {
    await using at = await withAction();
    await using admin = await vaultAdmin({ dataDir: at.dataDir });
    const old = (await admin.status()).keys[0]?.id;
    const { newest, rewritten, unreadable } = await admin.rotate({ keepKey: false });
    expect([rewritten, unreadable]).toEqual([1, 0]);
    expect((await admin.status()).keys).toEqual([
      { id: newest, use: 'encrypts', kept: 1, waiting: 0 },
      { id: old, use: 'decrypts', kept: 0, waiting: 0 },
    ]);
    const row = await at.action();
    expect(at.vault.openParameters(row?.document['parameters'] ?? null, 'guest/a')).toEqual(secret);
    expect(await admin.rotate({ keepKey: true })).toEqual({ newest, rewritten: 0, unreadable: 0 });
  });

  test('says which key is missing', async () => {
    await using at = await withAction();
    await rm(at.paths.parameterKeys);
    await at.keys();
    await using admin = await vaultAdmin({ dataDir: at.dataDir });
    expect((await admin.status()).keys).toEqual([
      expect.objectContaining({ use: 'encrypts', kept: 0 }),
      expect.objectContaining({ use: 'missing', kept: 1 }),
    ]);
    expect(await admin.rotate({ keepKey: true })).toMatchObject({ rewritten: 0, unreadable: 1 });
  });

  test('is rotated by one caller at a time', async () => {
    await using at = await withAction();
    await using admin = await vaultAdmin({ dataDir: at.dataDir });
    await using store = await openStore({ path: at.paths.database });
    const other = await store.leases.take({ name: 'vault rotate', holder: 'other', ms: 60_000 });
    await expect(admin.rotate({ keepKey: true })).rejects.toMatchObject({ code: 'PARAMETER_KEYS_BUSY' });
    if (other !== undefined) await store.leases.drop(other);
    expect(await admin.rotate({ keepKey: true })).toMatchObject({ unreadable: 0 });
  });

  describe.skipIf(process.geteuid?.() !== 0)('of a server that runs as another user', () => {
    const user = 4_000_006;

    /** A key file of `owner`, in a folder of `folderOwner`, for a data folder of `user`. */
    async function withKeyFile({ owner = user, folderOwner = user } = {}) {
      const at = await withAction();
      const folder = join(at.dataDir, 'keys');
      const [keyFile, configFile] = [join(folder, 'mine'), join(at.dataDir, 'config.yaml')];
      await mkdir(folder);
      await rename(at.paths.parameterKeys, keyFile);
      await writeFile(configFile, `parameters: { keyFile: ${keyFile} }\n`);
      await mustRun(['chown', '-R', `${user}:${user}`, at.dataDir]);
      await chown(folder, folderOwner, folderOwner);
      await chown(keyFile, owner, owner);
      return Object.assign(at, { keyFile, options: { dataDir: at.dataDir, configFile } });
    }

    test('its key file stays that user’s', async () => {
      await using at = await withKeyFile();
      await using admin = await vaultAdmin(at.options);
      const { newest, rewritten } = await admin.rotate({ keepKey: false });
      expect(rewritten).toBe(1);
      expect(await readFile(at.keyFile, 'utf8')).toMatch(new RegExp(`^${newest}:`));
      const { uid, mode } = await stat(at.keyFile);
      expect([uid, mode & 0o777]).toEqual([user, 0o600]);
    });

    test('where that user can’t write, the error says what to do by hand', async () => {
      await using at = await withKeyFile({ folderOwner: 0 });
      await using admin = await vaultAdmin(at.options);
      await expect(admin.rotate({ keepKey: false })).rejects.toMatchObject({
        code: 'PARAMETER_KEYS_INVALID',
        hint: expect.stringContaining('--keep-key'),
      });
    });

    test('the file of any other user is refused, and the hint locks no server out', async () => {
      await using at = await withKeyFile({ owner: user + 1 });
      await expect(vaultAdmin(at.options)).rejects.toMatchObject({
        code: 'PARAMETER_KEYS_INSECURE',
        hint: expect.stringContaining(`its user ${user}`),
      });
    });
  });

  test('is not created by a query', async () => {
    await using at = await start();
    await mkdir(join(at.dataDir, 'empty'));
    await expect(vaultAdmin({ dataDir: join(at.dataDir, 'empty') })).rejects.toMatchObject({
      code: 'DATA_DIR_EMPTY',
    });
    await expect(vaultAdmin({ dataDir: at.dataDir })).rejects.toMatchObject({
      code: 'PARAMETER_KEYS_INVALID',
    });
  });
});
