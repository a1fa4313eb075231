/** Archives that are truncated, changed or handmade: an archive is restored completely or not at all. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { blobsBelow, readIndex } from '../../images/index.ts';
import { tryFileLock } from '../../lib/index.ts';
import { openStore } from '../../store/index.ts';
import { dataPaths } from '../instance/instance.ts';
import {
  archiveOf,
  backupOf,
  emptyPlace,
  filledPlace,
  headerOf,
  restoreTo,
  type TarEntry,
  type TestFolder,
  tarOf,
  writeOwnImage,
} from './backup.fixture.ts';

let to: TestFolder;
beforeEach(async () => {
  vi.stubEnv('WARD_IMAGES', undefined);
  to = await emptyPlace();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await to[Symbol.asyncDispose]();
});

async function restored(bytes: Buffer): Promise<unknown> {
  const file = join(to.folder, 'made.tar.zst');
  writeFileSync(file, bytes);
  return restoreTo(to, file);
}

/** Expects a refusal that leaves nothing but the locks. */
async function expectRefusal(bytes: Buffer, code: string, message = /./): Promise<void> {
  await expect(restored(bytes)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  expect(readdirSync(to.dataDir).filter((name) => !/\.lock(?:-journal)?$/.test(name))).toEqual([]);
  expect(existsSync(to.imagesDir)).toBe(false);
}

/** True when a change does not matter: some bits of zstd's frames have no meaning. */
function meansTheSame(packed: Buffer, tar: Buffer): boolean {
  try {
    return zstdDecompressSync(packed).equals(tar);
  } catch {
    return false;
  }
}

const database: TarEntry = { name: 'state/ward.db', content: 'x' };
const blob = `code/blobs/sha256/${'0'.repeat(64)}`;

test('restores a valid archive', async () => {
  const bytes = await archiveOf([headerOf(), database]);
  expect(await restored(bytes)).toMatchObject({ ward: '0.1.0', damaged: [] });
  await using store = await openStore({ path: dataPaths(to.dataDir).database });
  expect((await store.unsealed.read(10)).map(({ entry }) => entry)).toMatchObject([
    { event: 'restore', name: expect.stringContaining('made.tar.zst') },
  ]);
});

test('an operator’s file can have a name in any language', async () => {
  const file = { name: 'gate/vex/Wörter für 世界.json', content: 'x' };
  await restored(await archiveOf([headerOf(), file]));
  expect(readFileSync(join(to.dataDir, file.name), 'utf8')).toBe('x');
});

describe('refused', () => {
  test.each([
    ['../escaped'],
    ['/etc/cron.d/x'],
    ['state/../../x'],
    ['state/ward.db-wal'],
    ['gate/vex/../../x'],
    ['gate/vex/..'],
    ['gate/vex/a/b'],
    ['gate/vex/a\nb'],
    ['code/blobs/sha256/short'],
    ['commit'],
    ['images/oci-layout'],
    ['registry/uploads/x'],
  ])('a file called %j', async (name) => {
    await expectRefusal(await archiveOf([headerOf(), { name, content: 'x' }]), 'BACKUP_INVALID');
    expect(readdirSync(to.folder).sort()).toEqual(['data', 'made.tar.zst', 'ward.yaml']);
  });

  test.each<TarEntry>([
    { name: 'state/ward.db', type: 'symlink', linkname: '/etc/passwd' },
    { name: 'state/ward.db', type: 'link', linkname: 'backup.json' },
    { name: 'state/ward.db', type: 'character-device', devmajor: 1, devminor: 3 },
    { name: 'state/ward.db', type: 'fifo' },
    { name: 'state', type: 'directory' },
  ])('$name as $type', async (entry) => {
    await expectRefusal(
      await archiveOf([headerOf(), entry]),
      'BACKUP_INVALID',
      /no regular file|can't be used/,
    );
  });

  test('a missing file, before anything is written', async () => {
    for (const file of [join(to.folder, 'nowhere.tar.zst'), to.folder]) {
      await expect(restoreTo(to, file)).rejects.toMatchObject({
        code: 'BACKUP_INVALID',
        message: `the backup ${file} does not exist`,
      });
    }
    expect(existsSync(to.dataDir)).toBe(false);
  });

  test('a file that is not a backup', async () => {
    await expectRefusal(Buffer.from('root:x:0:0'), 'BACKUP_INVALID');
    await expectRefusal(Buffer.alloc(0), 'BACKUP_INVALID');
    await expectRefusal(zstdCompressSync('no tar'.repeat(1000)), 'BACKUP_INVALID');
    await expectRefusal(await archiveOf([database]), 'BACKUP_INVALID', /it does not start with backup\.json/);
    await expectRefusal(
      await archiveOf([{ name: 'backup.json', content: '{' }]),
      'BACKUP_INVALID',
      /not JSON/,
    );
    await expectRefusal(
      await archiveOf([{ name: 'backup.json', content: '['.repeat(99) }]),
      'BACKUP_INVALID',
      /deep/,
    );
  });

  test('duplicate names, more or less content than declared, and more than the disk has room for', async () => {
    const two = headerOf({ files: 2, bytes: 2 });
    await expectRefusal(await archiveOf([two, database, database]), 'BACKUP_INVALID', /twice/);
    await expectRefusal(await archiveOf([headerOf({ bytes: 0 }), database]), 'BACKUP_INVALID', /longer/);
    await expectRefusal(await archiveOf([two, database]), 'BACKUP_INVALID', /fewer/);
    const huge = headerOf({ bytes: Number.MAX_SAFE_INTEGER });
    await expectRefusal(await archiveOf([huge, database]), 'BACKUP_FAILED', /no room/);
  });

  test('digests that are wrong, missing, or not the last entry', async () => {
    await expectRefusal(
      await archiveOf([headerOf(), database], 'x'),
      'BACKUP_INVALID',
      /does not match its digests/,
    );
    await expectRefusal(
      await archiveOf([headerOf(), database], 'x'.repeat(10_000)),
      'BACKUP_INVALID',
      /too long/,
    );
    await expectRefusal(zstdCompressSync(await tarOf([headerOf(), database])), 'BACKUP_INVALID', /truncated/);
    const good = zstdDecompressSync(await archiveOf([headerOf({ files: 2, bytes: 1 }), database]));
    const more = Buffer.concat([
      good.subarray(0, good.length - 1024),
      await tarOf([{ name: blob, content: '' }]),
    ]);
    await expectRefusal(zstdCompressSync(more), 'BACKUP_INVALID', /continues/);
  });

  test('a backup of a newer Ward', async () => {
    const schemas = { state: '0001-entities', registry: null, gate: null };
    const newer = [
      { form: 2 },
      { schemas: { ...schemas, state: '9999-later' } },
      { schemas: { ...schemas, registry: 99 } },
      { schemas: { ...schemas, gate: 99 } },
    ];
    for (const more of newer)
      await expectRefusal(await archiveOf([headerOf(more), database]), 'BACKUP_NEWER');
  });
});

describe('a real backup', () => {
  let from: TestFolder;
  let bytes: Buffer;
  beforeEach(async () => {
    from = await filledPlace();
    bytes = readFileSync((await backupOf(from)).file);
  });
  afterEach(() => from[Symbol.asyncDispose]());

  test('is refused wherever it is truncated or changed', async () => {
    const tar = zstdDecompressSync(bytes);
    for (let part = 0; part < 20; part++) {
      const at = Math.floor((bytes.length * part) / 20);
      await expectRefusal(bytes.subarray(0, at), 'BACKUP_INVALID');
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x40;
      if (!meansTheSame(changed, tar)) await expectRefusal(changed, 'BACKUP_INVALID');
    }
    const at = tar.indexOf('function main');
    tar[at] = 0x46;
    await expectRefusal(zstdCompressSync(tar), 'BACKUP_INVALID', /does not match its digests/);
  });

  test('is not restored into a folder that has content or is in use', async () => {
    mkdirSync(to.dataDir);
    symlinkSync('/nonexistent', join(to.dataDir, 'something'));
    await expect(restored(bytes)).rejects.toMatchObject({ code: 'DATA_DIR_NOT_EMPTY' });
    expect(readdirSync(to.dataDir)).toEqual(['something']);
    using _running = tryFileLock(dataPaths(from.dataDir).lock);
    writeFileSync(join(from.folder, 'b'), bytes);
    const before = statSync(dataPaths(from.dataDir).database);
    await expect(restoreTo(from, join(from.folder, 'b'), true)).rejects.toMatchObject({
      code: 'DATA_DIR_BUSY',
    });
    expect(statSync(dataPaths(from.dataDir).database)).toEqual(before);
  });

  test('moves no name of another image, except with --replace', async () => {
    await writeOwnImage(to, 'another');
    await expect(restored(bytes)).rejects.toMatchObject({ code: 'IMAGE_DIFFERS' });
    expect(existsSync(dataPaths(to.dataDir).database)).toBe(false);
    expect(existsSync(dataPaths(to.dataDir).restoreStage)).toBe(false);
    expect(await restoreTo(to, join(to.folder, 'made.tar.zst'), true)).toMatchObject({ images: ['own:v1'] });
  });

  /** Replaces the program that Ward calls last before the commit. */
  const stubSync = (script: string) => {
    const folder = join(to.folder, 'bin');
    mkdirSync(folder);
    writeFileSync(join(folder, 'sync'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
  };
  const restoredOver = () => restoreTo(to, join(to.folder, 'made.tar.zst'), true);
  const digestIn = async ({ imagesDir }: TestFolder) => (await readIndex(imagesDir))?.manifests[0]?.digest;

  test('moves no name when it fails before its commit', async () => {
    await writeOwnImage(to, 'another');
    const before = await digestIn(to);
    stubSync('exit 1');
    writeFileSync(join(to.folder, 'made.tar.zst'), bytes);
    await expect(restoredOver()).rejects.toThrow();
    expect(await digestIn(to)).toBe(before);
    expect(existsSync(dataPaths(to.dataDir).restoreStage)).toBe(false);
  });

  test('moves the names when it is finished that was cut off after its commit', async () => {
    await writeOwnImage(to, 'another');
    const inTheWay = join(to.imagesDir, 'oci-layout');
    stubSync(`rm ${inTheWay} && mkdir ${inTheWay}`);
    writeFileSync(join(to.folder, 'made.tar.zst'), bytes);
    await expect(restoredOver()).rejects.toThrow();
    expect(existsSync(dataPaths(to.dataDir).restoreStage)).toBe(true);
    rmdirSync(inTheWay);
    // Someone has removed what no name had yet.
    for (const name of readdirSync(join(to.imagesDir, 'blobs/sha256')))
      rmSync(join(to.imagesDir, 'blobs/sha256', name));
    expect(await restoredOver()).toMatchObject({ wasUnfinished: true, images: ['own:v1'] });
    expect(await digestIn(to)).toBe(await digestIn(from));
    const [entry] = (await readIndex(to.imagesDir))?.manifests ?? [];
    expect(entry && (await blobsBelow(to.imagesDir, entry))).toHaveLength(3);
  });
});
