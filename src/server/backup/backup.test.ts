/** Backs up a data folder with content of every kind, and checks the result elsewhere. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openBlobStore, parseDigest } from '../../blobs/index.ts';
import { openRegistryStore, parseTag } from '../../content/index.ts';
import { openGateStore } from '../../gate/index.ts';
import { readIndex, refNameOf } from '../../images/index.ts';
import { silentLog, tryFileLock } from '../../lib/index.ts';
import { openStore } from '../../store/index.ts';
import { loadConfig } from '../config/config.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { dataPaths } from '../instance/instance.ts';
import { refuseMissingDatabase, refuseMissingParts } from '../instance/missing-parts.ts';
import { readGivenKeys } from '../secrets/secrets.ts';
import {
  app,
  backupOf,
  emptyPlace,
  filledPlace,
  pushImage,
  putAction,
  restoreTo,
  type TestFolder,
} from './backup.fixture.ts';
import { readLastBackup } from './last-backup.ts';
import { removeAbandonedBackup } from './lock.ts';
import { refuseUnfinishedRestore } from './restore.ts';
import { takeSnapshot } from './snapshot.ts';
import { writeArchive } from './write-archive.ts';

let from: TestFolder;
let to: TestFolder;
beforeEach(async () => {
  vi.stubEnv('WARD_IMAGES', undefined);
  vi.stubEnv('WARD_PARAMETER_KEYS', undefined);
  [from, to] = await Promise.all([filledPlace(), emptyPlace()]);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([from[Symbol.asyncDispose](), to[Symbol.asyncDispose]()]);
});

const tarIn = (file: string) => zstdDecompressSync(readFileSync(file));
const text = (path: string) => readFileSync(path, 'utf8');
const partsOf = (missing: readonly { part: string; why: string }[]) =>
  missing.map(({ part, why }) => `${part}: ${why}`);

/** The restored state, as a server would find it. */
async function contentOf(place: TestFolder) {
  const paths = dataPaths(place.dataDir);
  await using store = await openStore({ path: paths.database });
  await using registry = await openRegistryStore({ dir: paths.registry });
  await using gate = await openGateStore({ path: gatePaths(place.dataDir).database });
  const actions = await store.entities.list({
    namespace: 'guest',
    collection: 'actions',
    skip: 0,
    limit: 99,
  });
  const blobs = openBlobStore(paths.code);
  const image = await registry.findImage(app, parseTag('v1'));
  return {
    namespaces: await store.namespaces.list(),
    code: await Promise.all(
      actions.map(async ({ codeDigest }) => String(await blobs.get(parseDigest(codeDigest ?? '')))),
    ),
    image: image.digest,
    layers: await Promise.all(image.layers.map(async ({ open }) => String(await buffer(await open())))),
    audit: await gate.verifyAudit(),
    own: (await readIndex(place.imagesDir))?.manifests.map((entry) => [refNameOf(entry), entry.digest]),
  };
}

describe('restored elsewhere', () => {
  test('has all content', async () => {
    const { file, missing, damaged } = await backupOf(from);
    expect(partsOf(missing)).toEqual(['configuration: elsewhere']);
    expect(damaged).toEqual([]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { size } = statSync(file);
    expect(await readLastBackup(from.dataDir)).toMatchObject({
      file,
      bytes: size,
      missing: ['configuration'],
      damaged: 0,
    });
    const restored = await restoreTo(to, file);
    expect(restored).toMatchObject({ images: ['own:v1'], wasUnfinished: false });
    expect(await contentOf(to)).toEqual(await contentOf(from));
    expect((await contentOf(to)).audit).toMatchObject({ isIntact: true, entries: 2 });
    const [gate, old] = [gatePaths(to.dataDir), gatePaths(from.dataDir)];
    for (const name of ['policy', 'advisories'] as const) expect(text(gate[name])).toBe(text(old[name]));
    expect([readdirSync(gate.vex), readdirSync(gate.rules), readdirSync(gate.keys)]).toEqual([
      ['our word.json'],
      ['secrets.yaml'],
      ['release.key'],
    ]);
    const paths = dataPaths(to.dataDir);
    expect([text(paths.parameterKeys), text(paths.guestKey)]).toEqual(['id:key', 'k:secret']);
    for (const path of [paths.database, paths.parameterKeys, paths.guestKey, join(gate.keys, 'release.key')])
      expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(existsSync(paths.restoreStage)).toBe(false);
    expect(existsSync(dataPaths(from.dataDir).backupStage)).toBe(false);
  });

  test('omits keys unless they are requested, and names them', async () => {
    const { file, missing } = await backupOf(from, { withKeys: false, withAdvisories: false });
    const named = ['advisories', 'parameter keys', 'guest key', 'signing keys'].map(
      (part) => `${part}: not asked for`,
    );
    expect(partsOf(missing)).toEqual([...named, 'configuration: elsewhere']);
    for (const secret of ['id:key', 'k:secret', 'private half']) {
      const tar = tarIn(file);
      expect(tar.includes(secret)).toBe(false);
    }
    expect(partsOf((await restoreTo(to, file)).missing)).toEqual([...named, 'configuration: elsewhere']);
    expect(existsSync(dataPaths(to.dataDir).parameterKeys)).toBe(false);
  });

  test('existing keys are kept when a backup without keys replaces the other content', async () => {
    const { file } = await backupOf(from, { withKeys: false });
    await expect(restoreTo(from, file)).rejects.toMatchObject({ code: 'DATA_DIR_NOT_EMPTY' });
    const restored = await restoreTo(from, file, true);
    expect(partsOf(restored.missing)).toEqual(['configuration: elsewhere']);
    expect(text(dataPaths(from.dataDir).parameterKeys)).toBe('id:key');
    expect(readdirSync(gatePaths(from.dataDir).keys)).toEqual(['release.key']);
  });

  test('reports content that the server has lost or damaged, and contains the rest', async () => {
    const paths = dataPaths(from.dataDir);
    const [code = ''] = readdirSync(join(paths.code, 'blobs/sha256'));
    rmSync(join(paths.code, 'blobs/sha256', code));
    const [blob = ''] = readdirSync(join(paths.registry, 'blobs/sha256'));
    writeFileSync(join(paths.registry, 'blobs/sha256', blob), 'other bytes');
    const { file, missing, damaged } = await backupOf(from);
    expect(missing).toContainEqual({ part: 'code', name: `sha256:${code}`, why: 'gone' });
    expect(damaged).toEqual([`registry/blobs/sha256/${blob}`]);
    expect(await restoreTo(to, file)).toMatchObject({ damaged });
  });

  test.each([
    ['manifest', 'schemaVersion', 'layer.v1.tar', 'layer.v1.tax'],
    ['config', 'rootfs', 'linux', 'Linux'],
    ['layer', 'x', 'x', 'y'],
  ])('an image with a damaged %s goes into no image store', async (_, sign, before, after) => {
    const blobs = join(from.imagesDir, 'blobs/sha256');
    const contents = readdirSync(blobs).map((name) => ({ name, content: text(join(blobs, name)) }));
    const found = contents.find(({ content }) => content === sign || content.includes(`"${sign}"`));
    const { name = '', content = '' } = found ?? {};
    writeFileSync(join(blobs, name), content.replace(before, after));
    const { file, damaged } = await backupOf(from);
    expect(damaged).toEqual([`images/blobs/sha256/${name}`]);
    expect(await restoreTo(to, file)).toMatchObject({ damaged, images: [] });
    expect(existsSync(to.imagesDir)).toBe(false);
  });

  test('its digests match those of sha256sum', async () => {
    const { file } = await backupOf(from);
    mkdirSync(join(to.folder, 'x'));
    const tar = tarIn(file);
    execFileSync('tar', ['x'], { cwd: join(to.folder, 'x'), input: tar });
    execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'sha256sums'], {
      cwd: join(to.folder, 'x'),
    });
  });
});

describe('while others write', () => {
  test('every action has its code, and every manifest its blobs, whatever is deleted meanwhile', async () => {
    const paths = dataPaths(from.dataDir);
    await using store = await openStore({ path: paths.database });
    await using registry = await openRegistryStore({
      dir: paths.registry,
      limits: { graceMs: 0, doomedMs: 0, untaggedMs: 1 },
    });
    let isWriting = true;
    let writes = 0;
    const work = (async () => {
      while (isWriting) {
        writes++;
        await putAction(from, store, `action-${writes % 5}`, `code ${writes}`);
        await pushImage(registry, `layer ${writes}`);
        await registry.sweep({ namespaceSince: () => 0, isInUse: () => false });
      }
    })();
    try {
      for (let round = 1; round <= 4; round++) {
        const before = writes;
        await vi.waitUntil(() => writes > before + 3, { timeout: 60_000 });
        const { file, missing, damaged } = await backupOf(from, { name: `${round}.tar.zst` });
        expect([partsOf(missing), damaged]).toEqual([['configuration: elsewhere'], []]);
        await restoreTo(to, file, round > 1);
        const { code, layers } = await contentOf(to);
        expect(code.length).toBeGreaterThan(1);
        expect(layers).toEqual([expect.stringMatching(/^(?:a )?layer/)]);
      }
    } finally {
      isWriting = false;
      await work;
    }
    // Otherwise nothing was written during the backups.
    expect(writes).toBeGreaterThan(16);
  });

  test('only one backup runs at a time', async () => {
    using _lock = tryFileLock(dataPaths(from.dataDir).backupLock);
    await expect(backupOf(from)).rejects.toMatchObject({ code: 'BACKUP_BUSY' });
  });
});

test('has the operator’s keys as they are after the databases were opened, so that they decrypt what is in it', async () => {
  const paths = dataPaths(from.dataDir);
  mkdirSync(paths.backupStage, { mode: 0o700 });
  const config = await loadConfig(from, {});
  const snapshot = await takeSnapshot({
    config: { ...config, parameters: { ...config.parameters, keyFile: join(from.folder, 'keys') } },
    configFile: undefined,
    stage: paths.backupStage,
    async readKeys() {
      // What is written from here on may need later keys.
      await using store = await openStore({ path: paths.database });
      await putAction(from, store, 'later', 'later');
      return Buffer.from('id:later');
    },
    ...{ withKeys: true, withAdvisories: false, onStep: () => {}, signal: new AbortController().signal },
  });
  const fileOf = (name: string) => snapshot.members.find((member) => member.name === name)?.file ?? '';
  expect(text(fileOf('parameters.keys'))).toBe('id:later');
  await using copied = await openStore({ path: fileOf('state/ward.db') });
  expect(await copied.entities.get('guest', 'later')).toBeUndefined();
});

describe('interrupted', () => {
  test('the next backup or start removes the files of a killed backup', async () => {
    const paths = dataPaths(from.dataDir);
    const leave = () => {
      mkdirSync(join(paths.backupStage, 'code'), { recursive: true });
      writeFileSync(join(paths.backupStage, 'code', 'x'), '');
    };
    leave();
    writeFileSync(join(from.folder, 'b.tar.zst.part'), 'half');
    const { file } = await backupOf(from);
    expect(readdirSync(from.folder)).not.toContain('b.tar.zst.part');
    leave();
    {
      using _lock = tryFileLock(paths.backupLock);
      removeAbandonedBackup(paths);
      expect(existsSync(paths.backupStage)).toBe(true);
    }
    removeAbandonedBackup(paths);
    expect(existsSync(paths.backupStage)).toBe(false);
    await restoreTo(to, file);
  });

  test('an incomplete restore starts again, and no Ward starts before', async () => {
    const { file } = await backupOf(from);
    const paths = dataPaths(to.dataDir);
    mkdirSync(join(paths.restoreStage, 'data', 'code'), { recursive: true });
    expect(() => refuseUnfinishedRestore(paths)).toThrow(
      expect.objectContaining({ code: 'RESTORE_UNFINISHED' }),
    );
    expect(await restoreTo(to, file)).toMatchObject({ wasUnfinished: false });
    refuseUnfinishedRestore(paths);
    expect((await contentOf(to)).code).toHaveLength(1);
  });

  test('a complete restore is finished from any step, without its file', async () => {
    const { file } = await backupOf(from);
    const paths = dataPaths(to.dataDir);
    const header = JSON.parse(execFileSync('tar', ['xO', 'backup.json'], { input: tarIn(file) }).toString());
    await restoreTo(to, file);
    for (const entry of ['gate', 'registry']) {
      mkdirSync(join(paths.restoreStage, 'data'), { recursive: true });
      execFileSync('mv', [join(to.dataDir, entry), join(paths.restoreStage, 'data', entry)]);
    }
    writeFileSync(join(paths.restoreStage, 'commit'), JSON.stringify(header));
    expect(() => refuseUnfinishedRestore(paths)).toThrow();
    expect(await restoreTo(to, '/nonexistent')).toMatchObject({
      wasUnfinished: true,
      instance: header.instance,
    });
    refuseUnfinishedRestore(paths);
    expect(await contentOf(to)).toEqual(await contentOf(from));
  });

  test('a backup that cannot be written leaves no files', async () => {
    const { folder, dataDir } = from;
    await expect(backupOf(from, { name: 'none/b.tar.zst' })).rejects.toMatchObject({ code: 'BACKUP_FAILED' });
    expect(existsSync(dataPaths(dataDir).backupStage)).toBe(false);
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });

  test('a change during the backup, or a stop, leaves no partial file', async () => {
    const { file, ...told } = await backupOf(from);
    const member = { name: 'guest.auth', file: dataPaths(from.dataDir).guestKey, size: 8 };
    const header = { ...told, form: 1, bytes: 8 } as const;
    const aside = <T>(work: () => Promise<T>) => work();
    const options = { signal: new AbortController().signal, aside, onBytes: () => {} };
    const longer = { header, members: [member, { ...member, size: 9 }] };
    await expect(writeArchive(longer, file, options)).rejects.toMatchObject({ code: 'BACKUP_FAILED' });
    const gone = { header, members: [{ ...member, file: '/nonexistent' }] };
    await expect(writeArchive(gone, file, options)).rejects.toMatchObject({ code: 'BACKUP_FAILED' });
    const stopping = new AbortController();
    const stopped = writeArchive({ header, members: [member, member] }, file, {
      ...options,
      signal: stopping.signal,
      onBytes: () => stopping.abort(),
    });
    await expect(stopped).rejects.toThrow(/abort/i);
    expect(readdirSync(from.folder)).not.toContain('b.tar.zst.part');
    await restoreTo(to, file);
  });
});

describe('a folder that was in use', () => {
  const start = async (place: TestFolder, accepted: Parameters<typeof refuseMissingParts>[2] = []) => {
    const { dataDir } = place;
    refuseMissingDatabase(dataDir, accepted, silentLog);
    await using store = await openStore({ path: dataPaths(dataDir).database });
    const hasOwnKeys = readGivenKeys(await loadConfig(place, {})) === undefined;
    await refuseMissingParts({ dataDir, hasOwnKeys }, store, accepted, silentLog);
  };

  test.each([
    ['gate', (place: TestFolder) => join(place.dataDir, 'gate')],
    ['registry', (place: TestFolder) => join(place.dataDir, 'registry')],
    ['keys', (place: TestFolder) => dataPaths(place.dataDir).parameterKeys],
  ] as const)('does not start without its %s, unless that is accepted', async (part, pathOf) => {
    await start(from);
    rmSync(pathOf(from), { recursive: true });
    await expect(start(from)).rejects.toMatchObject({
      code: 'DATA_DIR_INCOMPLETE',
      hint: expect.stringContaining(`--accept-missing ${part}`),
    });
    await start(from, [part]);
  });

  test.each([
    ['is gone', (path: string) => rmSync(dirname(path), { recursive: true })],
    ['was emptied', (path: string) => writeFileSync(path, '')],
    [
      'lost its whole content',
      async (path: string) => {
        rmSync(dirname(path), { recursive: true });
        await (await openStore({ path })).close();
      },
    ],
  ])('does not start when its database %s, and keeps what it has', async (_how, lose) => {
    const { database, code } = dataPaths(from.dataDir);
    await start(from);
    await lose(database);
    const before = readdirSync(join(code, 'blobs', 'sha256'));
    for (const accepted of [[], ['gate', 'registry', 'keys']] as const) {
      await expect(start(from, accepted)).rejects.toMatchObject({
        code: 'DATA_DIR_INCOMPLETE',
        hint: expect.stringContaining('--accept-missing database'),
      });
    }
    expect(readdirSync(join(code, 'blobs', 'sha256'))).toEqual(before);
    await start(from, ['database']);
  });

  test.each(['guestKey', 'code', 'registry'] as const)('is recognized by its %s alone', async (part) => {
    const paths = dataPaths(to.dataDir);
    const file = part === 'guestKey' ? paths.guestKey : join(paths[part], 'blobs', 'sha256', 'a'.repeat(64));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '');
    await expect(start(to)).rejects.toMatchObject({ code: 'DATA_DIR_INCOMPLETE' });
    expect(existsSync(paths.database)).toBe(false);
  });

  test('an unused folder starts, and so does one whose keys are elsewhere', async () => {
    await start(to);
    rmSync(dataPaths(from.dataDir).parameterKeys);
    vi.stubEnv('WARD_PARAMETER_KEYS', 'id:key');
    await start(from);
  });
});
