import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ZipFile } from 'yazl';
import { tryFileLock } from '../../lib/index.ts';
import {
  component,
  distribution,
  idsOf,
  ndjson,
  osv,
  upTo,
  vulnerabilities,
  type Workplace,
  workplace,
} from './advisories.fixture.ts';
import { importAdvisories } from './import.ts';
import { advisoryInputs } from './inputs.ts';
import { openAdvisories } from './open.ts';
import { advisoryStatus } from './status.ts';
import type { AdvisoryProgress } from './types.ts';

let place: Workplace;
beforeEach(async () => {
  place = await workplace();
});
afterEach(() => place[Symbol.asyncDispose]());

const record = (id: string, name = 'thing') => osv({ id, name, events: upTo('2.0.0') });
const many = (count: number) =>
  Array.from({ length: count }, (_, index) => record(`A-${index}`, `p${index}`));

function found(name = 'thing'): readonly string[] {
  using database = openAdvisories({ path: place.path });
  return idsOf(database.match([component('npm', name, '1.0.0')], undefined));
}

async function zipOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(files)) zip.addBuffer(Buffer.from(content), name);
  zip.end();
  const chunks: Buffer[] = [];
  for await (const chunk of zip.outputStream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function filesOfData(): Promise<readonly string[]> {
  return (await readdir(dirname(place.path))).toSorted();
}

describe('forms of files', () => {
  test.each<readonly [string, () => Promise<string | Buffer> | string | Buffer]>([
    ['lines.ndjson', () => ndjson([record('A-1'), record('A-2')])],
    ['lines.ndjson.gz', () => gzipSync(ndjson([record('A-1'), record('A-2')]))],
    ['list.json', () => JSON.stringify([record('A-1'), record('A-2')], null, 2)],
    [
      'all.zip',
      () =>
        zipOf({
          'A-1.json': JSON.stringify(record('A-1')),
          'x/A-2.json': JSON.stringify(record('A-2'), null, 2),
          'README.md': 'no',
        }),
    ],
    // Longer than the beginning that detection looks at.
    ['long.json', () => ndjson([{ ...record('A-1'), details: 'x'.repeat(200_000) }, record('A-2')])],
  ])('%s', async (name, content) => {
    await place.put(name, await content());
    const { sources, state, changed } = await place.importAll(name);
    expect(sources).toMatchObject([{ source: `exports/${name}`, form: 'osv', records: 2, bad: 0 }]);
    expect(state.count).toBe(2);
    expect(changed).toBe(true);
    expect(found()).toEqual(['A-1', 'A-2']);
  });

  test('a file of one record', async () => {
    await place.put('A-1.json', JSON.stringify(record('A-1'), null, 2));
    await place.importAll('A-1.json');
    expect(found()).toEqual(['A-1']);
  });

  test('a folder: files that are not exports are left out and named', async () => {
    await place.put('npm/all.json', ndjson([record('A-1')]));
    await place.put('deep/er/down.ndjson', ndjson([record('A-2')]));
    await place.put('README.md', '# no');
    await place.put('npm/package.json', '{"name":"no","version":"1.0.0"}');
    await place.put('.hidden.json', '{');
    await place.put('.git/objects.json', '{');
    const { sources, unknown } = await place.importAll('.');
    expect(unknown).toEqual(
      ['README.md', 'npm/package.json'].map((name) => join(place.folder, 'exports', name)),
    );
    expect(sources.map(({ source }) => source)).toEqual(['deep/er/down.ndjson', 'npm/all.json']);
    expect(found()).toEqual(['A-1', 'A-2']);
  });

  test('a folder: a file that begins like an export but has no record is left out and named', async () => {
    const other = { cve: '2008-6504', affected: [{ groupId: 'org.apache.struts', version: ['<=2.0.11.2'] }] };
    const path = await place.put('maven/native.ndjson.gz', gzipSync(ndjson([other])));
    await expect(place.importAll('maven')).rejects.toMatchObject({
      code: 'ADVISORY_FILE_INVALID',
      message: expect.stringContaining(path),
    });
    await place.put('maven/osv.ndjson', ndjson([record('A-1')]));
    const { sources, unknown } = await place.importAll('maven');
    expect(unknown).toEqual([path]);
    expect(sources.map(({ source }) => source)).toEqual(['maven/osv.ndjson']);
    const { sources: kept } = advisoryStatus({ path: place.path }) ?? { sources: [] };
    expect(kept.map(({ source }) => source)).toEqual(['maven/osv.ndjson']);
    await place.put('maven/osv.ndjson', ndjson([other]));
    await expect(place.importAll('maven')).rejects.toMatchObject({ code: 'ADVISORY_FILE_INVALID' });
    await expect(place.importAll('maven/native.ndjson.gz')).rejects.toMatchObject({
      code: 'ADVISORY_FILE_INVALID',
    });
    expect(found()).toEqual(['A-1']);
  });

  test('a folder of unknown files is refused, and so is a single unknown file', async () => {
    await place.put('other/package.json', '{"name":"no","version":"1.0.0"}');
    await place.put('a.json', ndjson([record('A-1')]));
    for (const names of [['other'], ['a.json', 'other/package.json']]) {
      await expect(place.importAll(...names)).rejects.toMatchObject({
        code: 'ADVISORY_FILE_INVALID',
        message: expect.stringMatching(/package\.json.*known|known.*package\.json/),
      });
    }
    expect(found()).toEqual([]);
  });

  test('two files with the same source name are refused', async () => {
    await place.put('x/npm/all.json', ndjson([record('A-1')]));
    await place.put('y/npm/all.json', ndjson([record('A-2')]));
    await expect(place.importAll('x/npm/all.json', 'y/npm/all.json')).rejects.toMatchObject({
      code: 'ADVISORY_FILE_INVALID',
      message: expect.stringContaining('npm/all.json'),
    });
  });

  test('a file or folder without advisories is refused', async () => {
    await place.put('empty/README.md', '');
    await place.put('hidden/.git/a.json', ndjson([record('A-1')]));
    for (const name of ['empty', 'hidden', 'nowhere.json']) {
      await expect(place.importAll(name)).rejects.toMatchObject({ code: 'ADVISORY_FILE_INVALID' });
    }
  });
});

describe('the time of a fix', () => {
  const published = '2024-02-01T00:00:00.000Z';
  const unfixed = osv({ id: 'A-1', events: [{ introduced: '0' }], published });
  const fixed = osv({ id: 'A-1', events: upTo('2.0.0'), published, modified: '2024-06-01T00:00:00.000Z' });
  const since = () => {
    using database = openAdvisories({ path: place.path });
    const [finding] = vulnerabilities(database.match([component('npm', 'thing', '1.0.0')], undefined));
    return finding?.fixKnownSince;
  };

  test('is that of the advisory, if the fix came with it', async () => {
    await place.put('a.json', ndjson([fixed]));
    await place.importAll('a.json');
    expect(since()).toBe(published);
  });

  test('is that of the change that added the fix, and later changes keep it', async () => {
    await place.put('a.json', ndjson([unfixed]));
    await place.importAll('a.json');
    expect(since()).toBeUndefined();
    await place.put('a.json', ndjson([fixed]));
    await place.importAll('a.json');
    expect(since()).toBe('2024-06-01T00:00:00.000Z');
    await place.put('a.json', ndjson([{ ...fixed, modified: '2024-09-01T00:00:00.000Z' }]));
    await place.importAll('a.json');
    expect(since()).toBe('2024-06-01T00:00:00.000Z');
    await place.put('b.json', ndjson([record('A-2', 'other')]));
    await place.importAll('b.json');
    expect(since()).toBe('2024-06-01T00:00:00.000Z');
  });

  test('depends on local history, so the revision includes it', async () => {
    await place.put('a.json', ndjson([unfixed]));
    await place.importAll('a.json');
    await place.put('a.json', ndjson([fixed]));
    const seen = await place.importAll('a.json');
    await using other = await workplace();
    await other.put('a.json', ndjson([fixed]));
    const fresh = await other.importAll('a.json');
    expect(fresh.state.revision).not.toBe(seen.state.revision);
    await place.put('b.json', ndjson([record('A-2', 'other')]));
    await place.importAll('b.json');
    const still = await place.importAll('a.json');
    await other.put('b.json', ndjson([record('A-2', 'other')]));
    const both = await other.importAll('b.json');
    expect(both.state.revision).not.toBe(still.state.revision);
  });

  test('is now, for sources that don’t say when they changed', async () => {
    const before = new Date().toISOString();
    await place.put('a.json', JSON.stringify(tracker({ status: 'open', urgency: 'medium' })));
    await place.importAll('a.json');
    await place.put(
      'a.json',
      JSON.stringify(tracker({ status: 'resolved', fixed_version: '2.0-1', urgency: 'medium' })),
    );
    await place.importAll('a.json');
    using database = openAdvisories({ path: place.path });
    const found = database.match([component('deb', 'thing', '1.0-1')], distribution('debian', '13'));
    const [finding] = vulnerabilities(found);
    expect(finding?.fixedIn).toEqual(['2.0-1']);
    expect(finding?.fixKnownSince && finding.fixKnownSince >= before).toBe(true);
  });
});

function tracker(trixie: object): object {
  return { thing: { 'CVE-2026-1': { description: 'x', releases: { trixie } } } };
}

describe('invalid records', () => {
  test('are counted and named, and valid ones are imported', async () => {
    await place.put(
      'a.ndjson',
      `${JSON.stringify(record('A-1'))}\n{"id":"A-2",\n[]\n${ndjson([
        { id: '', modified: 'x' },
        { id: 'A-3', affected: 'x' },
        { id: 'A-4', affected: [{ package: { ecosystem: 'npm', name: 'a b' } }] },
        osv({ id: 'A-5', events: [{ sometime: '1' }] }),
        osv({ id: 'A-6', ecosystem: 'Pub' }),
      ])}`,
    );
    const { sources } = await place.importAll('a.ndjson');
    expect(sources).toMatchObject([{ records: 1, bad: 6, skipped: 1 }]);
    expect(sources[0]?.badRecords.map(({ place: at }) => at)).toEqual(
      [2, 3, 4, 5, 6, 7].map((n) => `line ${n}`),
    );
    expect(advisoryStatus({ path: place.path })?.sources).toMatchObject([{ records: 1, bad: 6, skipped: 1 }]);
    expect(found()).toEqual(['A-1']);
  });

  test('names of prototype properties are ordinary names', async () => {
    await place.put(
      'a.ndjson',
      `{"id":"A-1","__proto__":{"x":1},"affected":[{"package":{"ecosystem":"npm","name":"constructor"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}\n`,
    );
    await place.importAll('a.ndjson');
    expect(found('constructor')).toEqual(['A-1']);
    expect(found('toString')).toEqual([]);
  });
});

describe('a damaged file', () => {
  beforeEach(async () => {
    await place.put('good.json', ndjson([record('A-1')]));
    await place.importAll('good.json');
  });

  const whole = ndjson(many(200));
  test.each<readonly [string, () => Promise<string | Buffer> | string | Buffer]>([
    ['cut.ndjson', () => whole.slice(0, -40)],
    ['cut.ndjson.gz', () => gzipSync(whole).subarray(0, -20)],
    ['broken.ndjson.gz', () => Buffer.concat([gzipSync(whole).subarray(0, 900), Buffer.alloc(900, 7)])],
    ['cut.json', () => JSON.stringify(many(200), null, 1).slice(0, -3)],
    ['more.json', () => `${JSON.stringify(many(2), null, 1)}]`],
    ['cut.zip', async () => (await zipOf({ 'a.json': whole })).subarray(0, -30)],
    ['empty.json', () => ''],
    ['empty.json.gz', () => gzipSync('')],
    ['page.json', () => '<!doctype html>'],
    ['nothing.ndjson', () => '{"schema_version":"1"}\n'],
    ['zero.json', () => Buffer.alloc(100_000)],
  ])('%s changes nothing', async (name, content) => {
    await place.put(name, await content());
    await expect(place.importAll('good.json', name)).rejects.toMatchObject({ code: 'ADVISORY_FILE_INVALID' });
    expect(found()).toEqual(['A-1']);
    expect(await filesOfData()).toEqual(['advisories.db', 'advisories.db.lock', 'advisories.db.sha256']);
  });

  test('a zip with a wrong checksum changes nothing', async () => {
    const zip = await zipOf({ 'a.json': JSON.stringify(record('A-2')) });
    zip[60] = (zip[60] ?? 0) ^ 0xff;
    await place.put('flipped.zip', zip);
    await expect(place.importAll('flipped.zip')).rejects.toMatchObject({ code: 'ADVISORY_FILE_INVALID' });
    expect(found()).toEqual(['A-1']);
  });

  test('a file that expands without end changes nothing', async () => {
    await place.put('deep.json.gz', gzipSync('{"a":['.repeat(100_000)));
    await expect(place.importAll('deep.json.gz')).rejects.toMatchObject({ code: 'ADVISORY_FILE_INVALID' });
    await place.put(
      'bomb.csv.gz',
      gzipSync(`cve,epss,percentile\n${`#${' '.repeat(100_000)}\n`.repeat(800)}`),
    );
    await expect(place.importAll('bomb.csv.gz')).rejects.toMatchObject({ code: 'ADVISORY_FILE_TOO_LARGE' });
    expect(found()).toEqual(['A-1']);
  });
});

describe('importing again', () => {
  test('replaces the records of the source, and nothing else', async () => {
    await place.put('a.json', ndjson([record('A-1'), record('A-2')]));
    await place.put('b.json', ndjson([record('B-1')]));
    await place.importAll('a.json', 'b.json');
    await place.put('a.json', ndjson([record('A-3')]));
    await place.importAll('a.json');
    expect(found()).toEqual(['A-3', 'B-1']);
  });

  test('skips an unchanged file, and keeps the revision', async () => {
    await place.put('a.json', ndjson([record('A-1')]));
    const first = await place.importAll('a.json');
    const again = await place.importAll('a.json');
    expect(again).toMatchObject({ changed: false, sources: [{ unchanged: true, records: 1 }] });
    expect(again.state.revision).toBe(first.state.revision);
    const before = Date.parse(first.state.checkedAt ?? '');
    expect(Date.parse(again.state.checkedAt ?? '')).toBeGreaterThanOrEqual(before);
    expect(found()).toEqual(['A-1']);
  });

  test('gives the same revision and answers in any order, however often it runs', async () => {
    const texts = {
      'a.json': ndjson([
        record('A-1'),
        osv({ id: 'X-1', aliases: ['CVE-2024-1'], events: upTo('2.0.0'), summary: 'one' }),
      ]),
      'b.json': ndjson([
        osv({ id: 'X-1', aliases: ['CVE-2024-1'], events: upTo('3.0.0'), summary: 'other' }),
      ]),
      'c.json': ndjson([
        osv({ id: 'X-2', aliases: ['CVE-2024-1'], events: upTo('2.5.0'), summary: 'third' }),
      ]),
    };
    const answers: string[] = [];
    for (const order of [
      ['a.json', 'b.json', 'c.json'],
      ['c.json', 'b.json', 'a.json'],
      ['b.json', 'c.json', 'a.json', 'b.json'],
    ]) {
      await using other = await workplace();
      let revision = '';
      for (const name of order) {
        await other.put(name, texts[name as keyof typeof texts]);
        revision = (await other.importAll(name)).state.revision;
      }
      using database = openAdvisories({ path: other.path });
      const said = database.match([component('npm', 'thing', '1.0.0')], undefined);
      answers.push(JSON.stringify([revision, said]));
    }
    expect(answers).toEqual([answers[0], answers[0], answers[0]]);
    expect(answers[0]).toContain('CVE-2024-1');
  });

  test('a source can be removed', async () => {
    await place.put('a.json', ndjson([record('A-1')]));
    await place.put('b.json', ndjson([record('B-1')]));
    await place.importAll('a.json', 'b.json');
    await importAdvisories({ path: place.path, inputs: [], forget: ['exports/a.json'] });
    expect(found()).toEqual(['B-1']);
  });

  test('the newer of two copies counts, and a withdrawal cancels older copies', async () => {
    const at = (id: string, modified: string, fixed: string) => ({
      ...osv({ id, events: upTo(fixed) }),
      modified,
    });
    await place.put(
      'npm.json',
      ndjson([
        at('A-1', '2024-01-01T00:00:00Z', '9.0.0'),
        at('A-2', '2024-01-01T00:00:00Z', '9.0.0'),
        at('A-3', '2024-05-01T00:00:00Z', '9.0.0'),
      ]),
    );
    await place.put(
      'newer.json',
      ndjson([
        at('A-1', '2024-02-01T00:00:00Z', '0.5.0'),
        { ...at('A-2', '2024-02-01T00:00:00Z', '9.0.0'), withdrawn: '2024-02-01T00:00:00Z' },
        { ...at('A-3', '2024-02-01T00:00:00Z', '9.0.0'), withdrawn: '2024-02-01T00:00:00Z' },
      ]),
    );
    await place.importAll('npm.json', 'newer.json');
    expect(found()).toEqual(['A-3']);
    // Without the newer source, the older one counts again.
    await importAdvisories({ path: place.path, inputs: [], forget: ['exports/newer.json'] });
    expect(found()).toEqual(['A-1', 'A-2', 'A-3']);
  });

  test('an open database keeps its answers until it is refreshed', async () => {
    await place.put('a.json', ndjson([record('A-1')]));
    using database = openAdvisories({ path: place.path });
    const now = () => idsOf(database.match([component('npm', 'thing', '1.0.0')], undefined));
    expect(database.state()).toBeUndefined();
    expect(now()).toEqual([]);
    await place.importAll('a.json');
    expect(now()).toEqual([]);
    expect(database.refresh()).toBe(true);
    expect(now()).toEqual(['A-1']);
    await place.put('a.json', ndjson([record('A-2')]));
    const { state } = await place.importAll('a.json');
    expect(now()).toEqual(['A-1']);
    expect(database.refresh()).toBe(true);
    expect(database.state()).toEqual(state);
    expect(now()).toEqual(['A-2']);
    await place.importAll('a.json');
    expect(database.refresh()).toBe(false);
    expect(now()).toEqual(['A-2']);
  });
});

test('the thread refuses a damaged file, too', async () => {
  const path = await place.put('a.json', '[');
  await expect(importAdvisories({ path: place.path, inputs: [{ path, source: 'a' }] })).rejects.toMatchObject(
    {
      code: 'ADVISORY_FILE_INVALID',
      hint: expect.stringContaining('stay'),
    },
  );
});

test('progress is reported for each file', async () => {
  await place.put('a.json', ndjson(many(500)));
  const [input] = await advisoryInputs(join(place.folder, 'exports', 'a.json'));
  const told: AdvisoryProgress[] = [];
  await importAdvisories({
    path: place.path,
    inputs: input ? [input] : [],
    progress: (step) => told.push(step),
  });
  expect(told.map(({ stage }) => stage)).toEqual(expect.arrayContaining(['read', 'finish']));
  expect(told[0]).toMatchObject({ stage: 'read', source: 'exports/a.json', totalBytes: expect.any(Number) });
});

test('an aborted import leaves nothing behind', async () => {
  await place.put('a.json', ndjson(many(20_000)));
  const [input] = await advisoryInputs(join(place.folder, 'exports', 'a.json'));
  const controller = new AbortController();
  const imported = importAdvisories({
    path: place.path,
    inputs: input ? [input] : [],
    signal: controller.signal,
    progress: () => controller.abort(new Error('enough')),
  });
  await expect(imported).rejects.toThrow('enough');
  expect(openAdvisories({ path: place.path }).state()).toBeUndefined();
  await place.put('b.json', ndjson([record('B-1')]));
  await place.importAll('b.json');
  expect(await filesOfData()).toEqual(['advisories.db', 'advisories.db.lock', 'advisories.db.sha256']);
});

test('a killed process leaves the old advisories, and the next import cleans up', async () => {
  await place.put('a.json', ndjson([record('A-1')]));
  await place.importAll('a.json');
  const big = await place.put('big.json', ndjson(many(30_000)));
  const program = fileURLToPath(new URL('./importing/import-forever.fixture.ts', import.meta.url));
  const child = spawn(process.execPath, [program, place.path, big], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect((await filesOfData()).filter((name) => name.startsWith('.advisories.db.new-'))).not.toEqual([]);
  expect(found()).toEqual(['A-1']);
  await place.put('b.json', ndjson([record('B-1')]));
  await place.importAll('b.json');
  expect(found()).toEqual(['A-1', 'B-1']);
  expect(await filesOfData()).toEqual(['advisories.db', 'advisories.db.lock', 'advisories.db.sha256']);
});

test('of two concurrent imports, the second fails as busy', async () => {
  await place.put('a.json', ndjson([record('A-1')]));
  await place.importAll('a.json');
  using lock = tryFileLock(`${place.path}.lock`);
  expect(lock).toBeDefined();
  await expect(place.importAll('a.json')).rejects.toMatchObject({ code: 'ADVISORIES_BUSY' });
});

describe('a foreign file', () => {
  test.each<readonly [string, (path: string) => Promise<void>, string]>([
    ['text', (path) => writeFile(path, 'hello '.repeat(1000)), 'ADVISORIES_CORRUPT'],
    [
      'another database',
      async (path) => {
        using other = new DatabaseSync(path);
        other.exec('create table x (y)');
      },
      'ADVISORIES_CORRUPT',
    ],
    [
      'a newer form',
      async (path) => {
        using other = new DatabaseSync(path);
        other.exec('pragma application_id = 0x57617264; pragma user_version = 9999');
      },
      'ADVISORIES_UNSUPPORTED',
    ],
  ])('%s is neither read nor overwritten', async (_, write, code) => {
    await place.put('a.json', ndjson([record('A-1')]));
    execFileSync('mkdir', ['-p', dirname(place.path)]);
    await write(place.path);
    const before = await readFile(place.path);
    expect(() => openAdvisories({ path: place.path })).toThrow(expect.objectContaining({ code }));
    expect(() => advisoryStatus({ path: place.path })).toThrow(expect.objectContaining({ code }));
    await expect(place.importAll('a.json')).rejects.toMatchObject({ code });
    expect(await readFile(place.path)).toEqual(before);
  });

  test('a file of an older form is rebuilt', async () => {
    await place.put('a.json', ndjson([record('A-1')]));
    await place.importAll('a.json');
    {
      using other = new DatabaseSync(place.path);
      other.exec('pragma user_version = 0');
    }
    expect(() => openAdvisories({ path: place.path })).toThrow(
      expect.objectContaining({ code: 'ADVISORIES_UNSUPPORTED' }),
    );
    await place.importAll('a.json');
    expect(found()).toEqual(['A-1']);
  });
});

test('the status reports the content', async () => {
  await place.put(
    'a.json',
    ndjson([
      record('A-1'),
      // A record dated in the future does not make the advisories look fresh.
      osv({ id: 'A-2', ecosystem: 'PyPI', events: upTo('2'), modified: '9999-01-01T00:00:00Z' }),
    ]),
  );
  await place.put('kev.json', ndjson([{ cveID: 'CVE-2024-0001', dateAdded: '2024-01-01' }]));
  expect(advisoryStatus({ path: place.path })).toBeUndefined();
  const { state } = await place.importAll('a.json', 'kev.json');
  expect(advisoryStatus({ path: place.path })).toMatchObject({
    state,
    sizeBytes: expect.any(Number),
    sources: [
      { source: 'exports/a.json', form: 'osv', newest: '2024-01-01T00:00:00.000Z', records: 2 },
      { source: 'exports/kev.json', form: 'kev', records: 1 },
    ],
    ecosystems: [
      { ecosystem: 'PyPI', advisories: 1 },
      { ecosystem: 'npm', advisories: 1 },
    ],
    exploited: 1,
    probabilities: 0,
    ratings: 0,
  });
  expect(state).toMatchObject({ count: 2, updatedAt: '2024-01-01T00:00:00.000Z' });
});
