/**
 * Each gap names the entry, the reason or the exceeded limit, and what to do. There is one file for each kind of gap that a
 * file can cause. `src/gate/judge` says for all of them how the operator can allow one.
 */
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { mergeLayers } from './layers/merge.ts';
import { analysisOf, filesTar, type TarEntry, tarOf } from './scanner.fixture.ts';
import { zipOf } from './scans.fixture.ts';

const advice = 'unpack it or leave it out';
const seven = Buffer.from("7z\xbc\xaf'\x1c\0\x04", 'latin1');
const rar = Buffer.from('Rar!\x1a\x07\x01\0', 'latin1');
const zip = await zipOf({ 'a.txt': 'hello' });
const classes = await zipOf({ 'a.class': 'x' });
const mebibyte = 1024 * 1024;

async function nested(depth: number): Promise<Buffer> {
  let inner = zip;
  for (let at = 0; at < depth; at++) inner = await zipOf({ 'n.zip': inner });
  return inner;
}

function encrypted(): Buffer {
  const copy = Buffer.from(zip);
  const directory = copy.indexOf('PK\x01\x02', 0, 'latin1');
  for (const at of [6, directory + 8]) copy.writeUInt16LE(copy.readUInt16LE(at) | 1, at);
  return copy;
}

it.each<[what: string, entries: () => Promise<readonly TarEntry[]>, path: string, says: readonly string[]]>([
  [
    'a form that is not opened',
    async () => [{ name: 'opt/a.bin', content: seven }],
    'opt/a.bin',
    ['has the form 7z, which Ward does not open', advice],
  ],
  [
    'one in an archive',
    async () => [{ name: 'opt/a.zip', content: await zipOf({ 'b/c.rar': rar }) }],
    'opt/a.zip!/b/c.rar',
    ['has the form rar', advice],
  ],
  [
    'an encrypted entry',
    async () => [{ name: 'opt/a.zip', content: encrypted() }],
    'opt/a.zip!/a.txt',
    ['a.txt is encrypted', advice],
  ],
  [
    'a file that is cut short',
    async () => [{ name: 'opt/a.gz', content: gzipSync('hello').subarray(0, 15) }],
    'opt/a.gz',
    ['not scanned: ', advice],
  ],
  [
    'archives in each other',
    async () => [{ name: 'opt/a.zip', content: await nested(5) }],
    'opt/a.zip!/n.zip!/n.zip!/n.zip!/n.zip',
    ['it is inside 4 other archives, and Ward looks no deeper', advice],
  ],
  [
    'a file that grows too much',
    async () => [{ name: 'opt/a.gz', content: gzipSync(Buffer.alloc(70 * mebibyte)) }],
    'opt/a.gz',
    ['it unpacks to more than 64 MiB', advice],
  ],
  [
    'an archive that is too long',
    async () => [{ name: 'opt/a.7z', content: Buffer.concat([seven, Buffer.alloc(65 * mebibyte)]) }],
    'opt/a.7z',
    ['archives of this form are opened up to 64 MiB, and it has 65', advice],
  ],
  [
    'a package without a package.json',
    async () => [{ name: 'app/node_modules/a/index.js', content: 'run()' }],
    'app/node_modules/a',
    ["a package without a package.json can't be identified", 'give it one'],
  ],
  [
    'a jar without a group',
    async () => [{ name: 'app/who-knows-1.0.jar', content: classes }],
    'app/who-knows-1.0.jar',
    ['who-knows-1.0 does not say its Maven group', "advisories can't be looked up", 'add a pom.properties'],
  ],
  [
    'a broken package.json',
    async () => [{ name: 'app/node_modules/a/package.json', content: '{' }],
    'app/node_modules/a/package.json',
    ['npm: '],
  ],
  [
    'a link in place of a database',
    async () => [{ name: 'var/lib/dpkg', type: 'symlink', linkname: '/opt/dpkg' }],
    'var/lib/dpkg',
    ['a package database or a folder above it is a link, which was not followed', 'make it a folder'],
  ],
  ['a name that leads out', async () => [{ name: '../a', content: 'x' }], '', ['../a']],
])('%s names the entry, and the reason', async (_what, entries, path, says) => {
  const analysis = await analysisOf(await tarOf(await entries()));
  const { gaps } = mergeLayers([{ analysis, createdBy: undefined }]).inventory;
  expect(gaps.map((gap) => gap.path)).toEqual([path]);
  for (const part of says) expect(gaps[0]?.reason).toContain(part);
  expect(gaps[0]?.reason).not.toMatch(/\p{Cc}/u);
});

it('readable content causes no gap', async () => {
  const analysis = await analysisOf(await filesTar({ 'opt/a.zip': zip, 'opt/n.zip': await nested(3) }));
  expect(mergeLayers([{ analysis, createdBy: undefined }]).inventory.gaps).toEqual([]);
});
