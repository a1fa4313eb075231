import { expect, it } from 'vitest';
import { mergeLayers } from '../layers/merge.ts';
import { analysisOf, filesTar, proofOf } from '../scanner.fixture.ts';
import { composerCataloger } from './composer.ts';
import { condaCataloger } from './conda.ts';
import { hexHash, integrityHashes } from './hashes.ts';
import { packageLockCataloger } from './npm/package-lock.ts';
import { yarnLockCataloger } from './npm/yarn-lock.ts';
import { tomlLockCataloger } from './toml-lock.ts';
import type { Cataloger } from './types.ts';

const [sha1, sha256] = ['a'.repeat(40), 'b'.repeat(64)];
const integrity = `sha1-${Buffer.from(sha1, 'hex').toString('base64')}`;

it.each([
  ['sha1', sha1.toUpperCase(), [`sha1:${sha1}`]],
  ['sha256', sha1, []],
  ['sha1', 'z'.repeat(40), []],
  ['crc32', 'aaaaaaaa', []],
  ['sha1', 1, []],
])('%s of %s', (algorithm, hex, expected) => {
  expect(hexHash(algorithm, hex)).toEqual(expected);
});

it.each([
  [integrity, [`sha1:${sha1}`]],
  [
    `sha256-${Buffer.from(sha256, 'hex').toString('base64')} ${integrity}`,
    [`sha1:${sha1}`, `sha256:${sha256}`],
  ],
  ['sha512-AAAA', []],
  ['sha1-!!!', []],
  ['', []],
  [undefined, []],
])('the integrity %j', (text, expected) => {
  expect(integrityHashes(text)).toEqual(expected);
});

it.each<[Cataloger, string, string, string]>([
  [
    packageLockCataloger,
    'package-lock.json',
    JSON.stringify({ packages: { 'node_modules/a': { version: '1', integrity } } }),
    `sha1:${sha1}`,
  ],
  [yarnLockCataloger, 'yarn.lock', `a@^1:\n  version "1"\n  integrity ${integrity}\n`, `sha1:${sha1}`],
  [
    tomlLockCataloger,
    'Cargo.lock',
    `[[package]]\nname = "a"\nversion = "1"\nsource = "x"\nchecksum = "${sha256}"\n`,
    `sha256:${sha256}`,
  ],
  [
    composerCataloger,
    'vendor/composer/installed.json',
    JSON.stringify([{ name: 'a/b', version: '1', dist: { shasum: sha1 } }]),
    `sha1:${sha1}`,
  ],
  [
    condaCataloger,
    'conda-meta/a.json',
    JSON.stringify({ name: 'a', version: '1', sha256 }),
    `sha256:${sha256}`,
  ],
])('$name', async (cataloger, path, text, expected) => {
  const proof = await proofOf(cataloger, path, text);
  expect(proof?.packages?.[0]?.hashes).toEqual([expected]);
});

it('an installed package has the digest in its lock, unless there are several', async () => {
  const lock = (of: string) =>
    JSON.stringify({ packages: { 'node_modules/a': { version: '1', integrity: of } } });
  const installed = (version: string) => JSON.stringify({ name: 'a', version });
  const hashes = async (files: Readonly<Record<string, string>>) => {
    const analysis = await analysisOf(await filesTar(files));
    const { components } = mergeLayers([{ analysis, createdBy: undefined }]).inventory;
    return components.map((each) => each.hashes);
  };
  const files = {
    'app/package-lock.json': lock(integrity),
    'app/node_modules/a/package.json': installed('1'),
  };
  expect(await hashes(files)).toEqual([[`sha1:${sha1}`]]);
  expect(await hashes({ ...files, 'app/node_modules/a/package.json': installed('2') })).toEqual([undefined]);
  const other = `sha1-${Buffer.from('c'.repeat(40), 'hex').toString('base64')}`;
  const both = {
    ...files,
    'b/package-lock.json': lock(other),
    'b/node_modules/a/package.json': installed('1'),
  };
  expect(await hashes(both)).toEqual([undefined]);
});
