import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { proofOf, temporaryFolder } from '../../scanner.fixture.ts';
import { type Skippable, scanVectors } from '../../shared-data.fixture.ts';
import type { Proof } from '../types.ts';
import { readRpmHeader } from './header.ts';
import { rpmCataloger } from './rpm.ts';

const forms = [
  ['bdb-libuuid', 'Packages'],
  ['bdb-syft-coverage', 'Packages'],
  ['ndb-sle15-bci', 'Packages.db'],
  ['sqlite-cbl-mariner-2.0', 'rpmdb.sqlite'],
] as const;

function database(test: Skippable, form: string, file: string): Buffer {
  return readFileSync(scanVectors(test, join('rpmdb', form, file)));
}

/** The format that `rpm -qa` printed: name, epoch, version, release, architecture, source, modularity. */
function lines(proof: Proof | undefined): string[] {
  return (proof?.packages ?? []).map(({ name, version, architecture, source, module }) => {
    const [, epoch = '0', upstream, release] = /^(?:(\d+):)?(.+)-([^-]+)$/.exec(version) ?? [];
    const origin = source && `${source.name}-${source.version.replace(/^\d+:/, '')}.src.rpm`;
    return [name, epoch, upstream, release, architecture, origin ?? '(none)', module ?? '(none)'].join('\t');
  });
}

describe('a database of rpm', () => {
  it.for(forms)('%s gives what rpm prints', async ([form, file], test) => {
    const proof = await proofOf(rpmCataloger, `var/lib/rpm/${file}`, database(test, form, file));
    const expected = database(test, form, 'expected.tsv')
      .toString('utf8')

      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('gpg-pubkey\t'));
    expect(expected.length).toBeGreaterThan(0);
    expect(lines(proof)).toEqual(expect.arrayContaining(expected));
    expect(proof?.gaps).toBeUndefined();
    // rpm leaves out two of Mariner's packages, whose signatures it rejects.
    expect((proof?.packages?.length ?? 0) - expected.length).toBe(form.startsWith('sqlite') ? 2 : 0);
  });

  it('states needs, met by provided names and by programs', async (test) => {
    const bytes = database(test, 'ndb-sle15-bci', 'Packages.db');
    const packages = (await proofOf(rpmCataloger, 'var/lib/rpm/Packages.db', bytes))?.packages ?? [];
    const needs = new Map(packages.map((each) => [each.name, each.needs ?? []]));
    expect(needs.get('bash')).toEqual(expect.arrayContaining(['glibc']));
    // Perl is not installed.
    expect(packages.filter((each) => each.needsMore === true).map(({ name }) => name)).toEqual(['rpm-ndb']);
    expect([...needs.values()].flat().length).toBeGreaterThan(packages.length);
  });

  it('states the signed digest of each package', async (test) => {
    const bytes = database(test, 'ndb-sle15-bci', 'Packages.db');
    const packages = (await proofOf(rpmCataloger, 'var/lib/rpm/Packages.db', bytes))?.packages ?? [];
    const digests = packages.flatMap(({ hashes }) => hashes ?? []);
    expect(digests).toEqual(packages.map(() => expect.stringMatching(/^md5:[0-9a-f]{32}$/)));
    expect(new Set(digests).size).toBe(packages.length);
  });

  it('states the files of packages', async (test) => {
    const bytes = database(test, 'bdb-libuuid', 'Packages');
    const proof = await proofOf(rpmCataloger, 'var/lib/rpm/Packages', bytes);
    expect(proof?.owns?.flatMap(({ paths }) => paths)).toContain('usr/lib64/libuuid.so.1');
    expect(proof?.owns?.flatMap(({ digests }) => digests)).toContainEqual(
      expect.stringMatching(/^[0-9a-f]{64}$/),
    );
  });

  it.for(forms)('%s never hangs or throws, however it is damaged', async ([form, file], test) => {
    const bytes = database(test, form, file);
    const damage = fc.record({
      at: fc.nat({ max: Math.min(bytes.length, 200_000) - 8 }),
      by: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(damage, { minLength: 1, maxLength: 20 }),
        fc.nat({ max: bytes.length }),
        async (damages, cut) => {
          const copy = Buffer.from(bytes);
          for (const { at, by } of damages) copy.set(by, at);
          for (const each of [copy, bytes.subarray(0, cut)]) {
            const proof = await Promise.resolve(proofOf(rpmCataloger, `var/lib/rpm/${file}`, each)).catch(
              () => 'gap',
            );
            expect(proof === 'gap' || proof === undefined || typeof proof === 'object').toBe(true);
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  it('that is cut gives the rest, and is a gap', async (test) => {
    const bytes = database(test, 'sqlite-cbl-mariner-2.0', 'rpmdb.sqlite');
    const proof = await proofOf(
      rpmCataloger,
      'usr/lib/sysimage/rpm/rpmdb.sqlite',
      bytes.subarray(0, bytes.length / 2),
    );
    expect(proof?.packages?.length).toBeGreaterThan(10);
    expect(proof?.gaps?.join()).toContain('damaged');
  });
});

describe('a file that is not a database of rpm', () => {
  it.each([
    ['var/lib/rpm/Packages', 'hello, this is not one', 'not a known form'],
    ['var/lib/rpm/rpmdb.sqlite-wal', 'x', 'not in the database yet'],
  ])('is a gap: %s', async (path, content, reason) => {
    expect((await proofOf(rpmCataloger, path, content))?.gaps?.join()).toContain(reason);
  });

  it('proves nothing when it is empty', async () => {
    expect(await proofOf(rpmCataloger, 'var/lib/rpm/rpmdb.sqlite-wal', '')).toBeUndefined();
  });
});

function made(rows: readonly (readonly [number, string])[]): Buffer {
  const data = Buffer.from(`${rows.map(([, text]) => `${text}\0`).join('')}`);
  const head = Buffer.alloc(8 + rows.length * 16);
  head.writeUInt32BE(rows.length, 0);
  head.writeUInt32BE(data.length, 4);
  let offset = 0;
  for (const [at, [tag, text]] of rows.entries()) {
    for (const [field, value] of [tag, 6, offset, 1].entries())
      head.writeUInt32BE(value, 8 + at * 16 + field * 4);
    offset += text.length + 1;
  }
  return Buffer.concat([head, data]);
}

describe('a database of rpm in SQLite', () => {
  it.each([512, 4096, 65_536])('is read as SQLite wrote it, in pages of %d', async (pageBytes) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'rpmdb.sqlite');
    const database = new DatabaseSync(path);
    database.exec(`pragma page_size = ${pageBytes}; create table Other (a);`);
    database.exec('create table Packages (hnum integer primary key autoincrement, blob blob not null)');
    const insert = database.prepare('insert into Packages (blob) values (?)');
    // Some are longer than a page, and there are too many for one.
    const names = Array.from({ length: 300 }, (_, at) => `package-${at}`);
    for (const [at, name] of names.entries()) {
      const summary = 'x'.repeat(at * 30);
      insert.run(
        made([
          [1000, name],
          [1001, '1.0'],
          [1002, '1.el9'],
          [1004, summary],
        ]),
      );
    }
    database.close();
    const proof = await proofOf(rpmCataloger, 'var/lib/rpm/rpmdb.sqlite', await readFile(path));
    expect(proof?.gaps).toBeUndefined();
    expect(proof?.packages?.map(({ name, version }) => [name, version])).toEqual(
      names.map((name) => [name, '1.0-1.el9']),
    );
  });
});

describe('a header of an rpm', () => {
  const texts: readonly [number, string][] = [
    [1000, 'nodejs'],
    [1001, '18.20'],
    [1002, '1.el9'],
    [1011, 'NodeSource'],
    [1044, 'nodejs-18.20-1.el9.src.rpm'],
    [5096, 'nodejs:18:9040020:abcd'],
  ];
  it('states the module stream, and vendors that are no distribution', () => {
    expect(readRpmHeader(made(texts))?.found).toMatchObject({
      name: 'nodejs',
      module: 'nodejs:18',
      foreign: true,
    });
    expect(readRpmHeader(made([...texts, [1011, 'Red Hat, Inc.']]))?.found.foreign).toBeUndefined();
  });

  it.each([
    ['has no version', made(texts.slice(0, 1))],
    ['says it is longer', made(texts).subarray(0, -10)],
    ['is empty', Buffer.alloc(0)],
  ])('that %s is refused', (_what, blob) => {
    expect(() => readRpmHeader(blob)).toThrow();
  });

  it('of a key proves no package', () => {
    expect(
      readRpmHeader(
        made([
          [1000, 'gpg-pubkey'],
          [1001, '1'],
        ]),
      ),
    ).toBeUndefined();
  });
});
