/** Damages a data folder with content of every kind, one part at a time. */
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createVault } from '../../functions/index.ts';
import { silentLog, tryFileLock } from '../../lib/index.ts';
import { importAdvisories } from '../../scanner/index.ts';
import { openStore } from '../../store/index.ts';
import { filledPlace, type TestFolder } from '../backup/backup.fixture.ts';
import { checkFolderId, databasesOf } from '../instance/folder-id.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { dataPaths } from '../instance/instance.ts';
import { openVaultKeys } from '../secrets/vault-keys.ts';
import type { FsckReport } from './findings.ts';
import { checkAll } from './fsck.ts';

let place: TestFolder;
beforeEach(async () => {
  vi.stubEnv('WARD_IMAGES', undefined);
  place = await filledPlace();
  const { dataDir } = place;
  rmSync(dataPaths(dataDir).parameterKeys);
  rmSync(gatePaths(dataDir).advisories);
  const { keys } = await openVaultKeys({ dataDir }, undefined, true);
  await using store = await openStore({ path: dataPaths(dataDir).database });
  const parameters = createVault(keys).sealParameters([{ key: 'pass', value: 's3cret' }], 'guest/secret');
  await store.entities.put(
    {
      ...{ namespace: 'guest', path: 'secret', collection: 'actions', updatedAt: 1, link: null },
      ...{ shared: false, revision: 'r', codeDigest: null, document: { parameters } },
    },
    null,
  );
  await checkFolderId(dataDir, false, silentLog).mark();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await place[Symbol.asyncDispose]();
});

function check(repair = false): Promise<FsckReport> {
  const { dataDir, configFile } = place;
  const { signal } = new AbortController();
  return checkAll({ dataDir, configFile, repair, onStep: () => {}, signal });
}

const [state, gate, registry] = [0, 1, 2].map((at) => () => databasesOf(place.dataDir)[at] ?? '');
const sql = (path: string, text: string): void => {
  using db = new DatabaseSync(path);
  db.exec(text);
};

/** Changes a byte, but not the length. */
function flip(path: string, at = 0): void {
  chmodSync(path, 0o644);
  const file = openSync(path, 'r+');
  const byte = readFileSync(path)[at] ?? 0;
  writeSync(file, Buffer.from([byte ^ 1]), 0, 1, at);
  closeSync(file);
}

function blobIn(dir: string, text: string): string {
  const folder = join(dir, 'blobs', 'sha256');
  const found = readdirSync(folder).find((name) => readFileSync(join(folder, name), 'utf8').includes(text));
  return join(folder, found ?? 'no such blob');
}

async function withAdvisories(): Promise<string> {
  const path = gatePaths(place.dataDir).advisories;
  const input = join(place.folder, 'GHSA.json');
  const advisory = {
    id: 'GHSA-xxxx-yyyy-zzzz',
    modified: '2026-01-01T00:00:00Z',
    affected: [{ package: { ecosystem: 'npm', name: 'a-package-to-find' }, versions: ['1.0.0'] }],
  };
  writeFileSync(input, JSON.stringify(advisory));
  await importAdvisories({ path, inputs: [{ path: input, source: 'test' }] });
  return path;
}

describe('a data folder', () => {
  test('that is undamaged has no findings, and is not changed', async () => {
    const before = readdirSync(place.dataDir, { recursive: true }).toSorted();
    const report = await check();
    expect(report).toMatchObject({ findings: [], repaired: [], isRunning: false });
    expect(report.checked).toMatchObject({ databases: 3, code: 1, keys: 1, audit: 2 });
    expect(report.checked.registry).toBeGreaterThan(1);
    expect(readdirSync(place.dataDir, { recursive: true }).toSorted()).toEqual(before);
  });

  const damages: readonly (readonly [string, string, () => void, RegExp])[] = [
    [
      'a flipped byte of code',
      'code',
      () => flip(blobIn(dataPaths(place.dataDir).code, 'main')),
      /guest\/hello.*does not match its digest/,
    ],
    [
      'lost code',
      'code',
      () => unlinkSync(blobIn(dataPaths(place.dataDir).code, 'main')),
      /guest\/hello.*is missing/,
    ],
    [
      'a flipped byte of a pushed layer',
      'registry',
      () => flip(blobIn(dataPaths(place.dataDir).registry, 'a layer')),
      /guest\/app.*does not match its digest/,
    ],
    [
      'a lost pushed layer',
      'registry',
      () => unlinkSync(blobIn(dataPaths(place.dataDir).registry, 'a layer')),
      /guest\/app.*is missing/,
    ],
    [
      'a flipped byte of an own image',
      'images',
      () => flip(blobIn(place.imagesDir, 'layers')),
      /own:v1.*manifest is damaged/,
    ],
    [
      'a counter of entities',
      'databases',
      () => sql(state?.() ?? '', 'update holdings set entity_bytes = entity_bytes + 1'),
      /the counter has -?\d+ bytes of entities/,
    ],
    [
      'a counter of records',
      'databases',
      () => sql(state?.() ?? '', 'update activation_counts set total = 7'),
      /the counter has 7 records, the rows have 0/,
    ],
    [
      'the usage of a day',
      'databases',
      () =>
        sql(
          state?.() ?? '',
          "insert into usage_days select 9, name, created_at, 3, 1, 5, 0, 0, 0, 0, 7, 9 from namespaces where name = 'guest'",
        ),
      /guest: the usage of 1970-01-10 has 2 recorded calls, 5 MiB ms and 16 bytes of traffic, the records have 0, 0 and 0/,
    ],
    [
      'the targets of a day',
      'databases',
      () =>
        sql(
          state?.() ?? '',
          "insert into usage_egress values ('guest', 'a', 'x.example', 443, 'tcp', '', 9, 1, 1, 5, 6, 0, 'b')",
        ),
      /guest: the targets of 1970-01-10 have 11 bytes, the usage of that day has 0/,
    ],
    [
      'a counter of the registry',
      'databases',
      () => sql(registry?.() ?? '', 'update usage set bytes = 1'),
      /guest: the counter has 1 bytes, the rows have \d+/,
    ],
    [
      'a row without its namespace',
      'databases',
      () => sql(state?.() ?? '', "pragma foreign_keys = off; update entities set namespace = 'nobody'"),
      /row \d+ of entities refers to a missing row of namespaces/,
    ],
    [
      'a database without its head',
      'databases',
      () => flip(gate?.() ?? ''),
      /gate\.db.*damaged or not a database/,
    ],
    [
      'a policy and VEX that were tampered with',
      'databases',
      () =>
        sql(
          gate?.() ?? '',
          `insert into shared_files values ('policy.yaml', 1, 'other', x'62'), ('vex.json', 1, 'other', x'62')`,
        ),
      /policy\.yaml has other bytes than its digest says[\s\S]*vex\.json has other bytes/,
    ],
    ['a lost database', 'databases', () => unlinkSync(gate?.() ?? ''), /gate\.db is missing/],
    [
      'a file that is not a database',
      'databases',
      () => sql(gate?.() ?? '', "update data_folder set id = 'x'"),
      /do not belong together/,
    ],
    [
      'a changed audit log',
      'audit',
      () =>
        sql(
          gate?.() ?? '',
          "drop trigger audit_no_update; update audit set entry = replace(entry, 'ada', 'bob') where seq = 1",
        ),
      /entry 1 this entry was changed/,
    ],
    [
      'other keys',
      'keys',
      () => {
        const file = dataPaths(place.dataDir).parameterKeys;
        writeFileSync(file, `other:${Buffer.alloc(32, 1).toString('base64')}\n`);
      },
      /guest\/secret 1 encrypted values can’t be decrypted/,
    ],
    [
      'invalid keys',
      'keys',
      () => writeFileSync(dataPaths(place.dataDir).parameterKeys, 'nonsense'),
      /key 1 is not ID:KEY/,
    ],
    [
      'a parameter that was moved',
      'keys',
      () => sql(state?.() ?? '', "update entities set path = 'moved' where path = 'secret'"),
      /guest\/moved 1 encrypted/,
    ],
  ];
  test.each(damages)('with %s is reported (%s)', async (_what, area, damage, text) => {
    damage();
    const { findings } = await check();
    expect(findings.map(({ area: each }) => each)).toContain(area);
    const told = findings.map((each) => `${each.of} ${each.problem}`).join('\n');
    expect(told).toMatch(text);
    for (const { remedy } of findings) expect(remedy).not.toBe('');
  });

  test('with a flipped value in the advisories is reported, and their update is refused', async () => {
    const path = await withAdvisories();
    expect((await check()).findings).toEqual([]);
    const at = readFileSync(path).indexOf('a-package-to-find');
    expect(at).toBeGreaterThan(0);
    flip(path, at);
    expect((await check()).findings).toMatchObject(
      [
        {
          area: 'advisories',
          problem: 'its content differs from what was imported',
          remedy: /advisories update/,
        },
      ].map(({ remedy, ...rest }) => ({ ...rest, remedy: expect.stringMatching(remedy) })),
    );
    await expect(withAdvisories()).rejects.toMatchObject({ code: 'ADVISORIES_CORRUPT' });
    unlinkSync(path);
    await withAdvisories();
    expect((await check()).findings).toEqual([]);
  });

  test('with advisories of another machine has no findings', async () => {
    const path = await withAdvisories();
    unlinkSync(`${path}.sha256`);
    const { findings, notes } = await check();
    expect(findings).toEqual([]);
    expect(notes.join()).toContain('no import has recorded a digest');
  });

  test('with unused blobs gets a note, but no finding', async () => {
    const name = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    writeFileSync(join(dataPaths(place.dataDir).code, 'blobs', 'sha256', name), '');
    const { findings, notes } = await check();
    expect(findings).toEqual([]);
    expect(notes.join()).toContain('1 blobs are unused');
    // Earlier code may go, but as long as it is there, it has a use.
    sql(state?.() ?? '', `insert into earlier_code values ('guest', 'hello', 'sha256:${name}', '{}')`);
    expect((await check()).notes.join()).not.toContain('unused');
  });

  test('that a running Ward serves is checked, but not repaired', async () => {
    const { lock } = dataPaths(place.dataDir);
    using held = tryFileLock(lock);
    expect(held).toBeDefined();
    expect(await check()).toMatchObject({ isRunning: true, findings: [] });
    await expect(check(true)).rejects.toMatchObject({ code: 'WARD_RUNNING' });
  });

  test('is locked during the check: no Ward can start', async () => {
    const { lock } = dataPaths(place.dataDir);
    tryFileLock(lock)?.release();
    expect(existsSync(lock)).toBe(true);
    let isFree: boolean | undefined;
    const onStep = () => {
      isFree ??= tryFileLock(lock) !== undefined;
    };
    const { dataDir, configFile } = place;
    await checkAll({ dataDir, configFile, repair: false, onStep, signal: new AbortController().signal });
    expect(isFree).toBe(false);
  });

  test('that does not exist is refused', async () => {
    rmSync(place.dataDir, { recursive: true });
    await expect(check()).rejects.toMatchObject({ code: 'DATA_DIR_EMPTY' });
  });

  test('with unpacked layers of no image gets a note, and keeps them', async () => {
    const path = join(place.imagesDir, 'layers', 'unpacked', 'a'.repeat(64));
    mkdirSync(path, { recursive: true });
    const { findings, notes } = await check(true);
    expect(findings).toEqual([]);
    expect(notes.join()).toContain('layers: 1 belong to no image here');
    expect(statSync(path).isDirectory()).toBe(true);
  });
});
