import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ownImageNames, readImage, readIndex, refNameOf } from '../images/index.ts';
import { packageVersion } from '../lib/index.ts';
import { inspectorsFor, loadInspectors } from './all-inspectors.ts';
import { createInspectors, type Inspectors } from './inspectors.ts';
import { joined } from './malware/samples.fixture.ts';
import { readRulesFiles } from './rules/rules-files.ts';
import { scannedFile } from './scanned-file.fixture.ts';
import { scannerWith } from './scans.fixture.ts';
import type { FileInspector, Finding, InspectorSet } from './types.ts';

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function rulesDir(files: Readonly<Record<string, string>>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'ward-rules-'));
  folders.push(dir);
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  return dir;
}

async function inspect(
  inspectors: readonly FileInspector[],
  path: string,
  content: string | Buffer,
): Promise<readonly Finding[]> {
  const found = await Promise.all(
    inspectors.map((inspector) => inspector.inspect(scannedFile(path, content))),
  );
  return found.flat();
}

const own = 'rule own { strings: $a = "own needle" condition: $a }';
const miner = joined("connect('stratum¦+tcp://pool.test:3333')");

test('files and configurations are inspected for all classes', async () => {
  const { files, config } = await (await createInspectors()).here();
  expect(files.map(({ name }) => name)).toEqual(['content', 'file-facts']);
  expect(config.map(({ name }) => name)).toEqual(['malware', 'secrets', 'image-facts']);
  expect((await inspect(files, 'a.js', miner)).map(({ id }) => id)).toEqual(['cryptominer-pool-address']);
});

test('an operator’s file replaces the one of its name, and further ones are added', async () => {
  const both = await createInspectors({ rulesDir: await rulesDir({ 'own.yar': own }) });
  const replaced = await createInspectors({ rulesDir: await rulesDir({ 'malware.yar': own }) });
  const text = `own needle ${miner}`;
  expect((await inspect((await both.here()).files, 'a.js', text)).map(({ id }) => id)).toEqual([
    'cryptominer-pool-address',
    'own',
  ]);
  expect((await inspect((await replaced.here()).files, 'a.js', text)).map(({ id }) => id)).toEqual(['own']);
});

test('a report names the revision of its rules, which is the same in every process', async () => {
  const rulesOf = async (inspectors: InspectorSet | Inspectors['elsewhere']) => {
    await using scanner = scannerWith({ inspectors });
    return (await scanner.scanCode(Buffer.from('x'), { name: 'x', kind: 'nodejs:24' })).rules;
  };
  const plain = await createInspectors();
  const [here, elsewhere] = [await rulesOf(await plain.here()), await rulesOf(plain.elsewhere)];
  expect(here).toEqual(elsewhere);
  expect(here).toEqual({
    revision: expect.stringMatching(/^[0-9a-f]{16}$/),
    read: here?.read,
    ward: packageVersion(),
  });
  const changed = [
    await createInspectors({ rulesDir: await rulesDir({ 'own.yar': own }) }),
    await createInspectors({ without: ['secret'] }),
  ];
  for (const each of changed) expect((await rulesOf(await each.here()))?.revision).not.toBe(here?.revision);
  const { files, config } = await plain.here();
  const [first, ...rest] = config;
  if (first === undefined) throw new Error('there is no inspector of configurations');
  const other = await rulesOf({ files, config: [{ ...first, revision: 'another' }, ...rest] });
  expect(other?.revision).not.toBe(here?.revision);
});

test('a report that is judged again keeps the rules that it was read with, and an old one names none', async () => {
  await using scanner = scannerWith();
  const report = await scanner.scanFolder(await rulesDir({ 'a.js': 'x' }), 'x');
  const older = { revision: 'r', read: 'read by others', ward: '0.0.1' };
  expect((await scanner.rejudge({ ...report, rules: older })).rules).toEqual({
    revision: expect.not.stringMatching(/^r$/),
    read: 'read by others',
    ward: packageVersion(),
  });
  expect((await scanner.rejudge({ ...report, rules: undefined })).rules).toBeUndefined();
});

test('a revision changes with the rules it is made of, and with no others', async () => {
  const revisions = async (files?: Readonly<Record<string, string>>) => {
    const made = await createInspectors(files && { rulesDir: await rulesDir(files) });
    const all = await made.here();
    return [...all.files, ...all.config].map(({ name, revision }) => `${name} ${revision}`);
  };
  const [content, facts, ...config] = await revisions();
  expect(await revisions({})).toEqual([content, facts, ...config]);
  const changed = await revisions({ 'own.yar': own });
  expect(changed[0]).not.toBe(content);
  expect(changed.slice(1, 2)).toEqual([facts]);
  const [hashes] = await revisions({ 'denied-hashes.txt': '' });
  expect(hashes).not.toBe(content);
});

test('rules of skipped classes are not loaded, here and in another process', async () => {
  // The rules of the skipped class are broken, to prove that they are not read.
  const dir = await rulesDir({ 'secrets.yaml': 'rules: 1' });
  const { here, elsewhere } = await createInspectors({ rulesDir: dir, without: ['secret'] });
  const sets = [await here(), inspectorsFor(JSON.parse(JSON.stringify(elsewhere.data)))];
  for (const { files, config } of sets) {
    expect([files.length, config.map(({ name }) => name).includes('secrets')]).toEqual([2, false]);
  }
  const { files, config } = loadInspectors(readRulesFiles(), ['malware', 'secret', 'misconfiguration']);
  expect([files, config]).toEqual([[], []]);
});

test('another process loads the same rules', async () => {
  const dir = await rulesDir({ 'own.yar': own });
  const { here, elsewhere } = await createInspectors({ rulesDir: dir });
  expect(elsewhere.module.href).toBe(new URL('./all-inspectors.ts', import.meta.url).href);
  const revisions = ({ files, config }: InspectorSet) =>
    [...files, ...config].map(({ revision }) => revision);
  expect(revisions(inspectorsFor(JSON.parse(JSON.stringify(elsewhere.data))))).toEqual(
    revisions(await here()),
  );
});

test.each<[file: string, text: string, message: string]>([
  ['own.yar', 'rule a { condition: $b }', 'there is no string $b'],
  ['secrets.yaml', 'rules: 1', 'secrets.yaml: '],
  ['misconfiguration.yaml', '', 'misconfiguration.yaml: '],
  ['denied-hashes.txt', 'x', 'denied-hashes.txt: line 1'],
])('an invalid %s is reported', async (file, text, message) => {
  const dir = await rulesDir({ [file]: text });
  const made = createInspectors({ rulesDir: dir });
  await expect(made).rejects.toMatchObject({ code: 'RULES_INVALID' });
  await expect(made).rejects.toThrow(message);
  await expect(made).rejects.toThrow(join(dir, file));
});

test('a missing folder of rules is reported', async () => {
  await expect(createInspectors({ rulesDir: '/nowhere/at/all' })).rejects.toThrow('/nowhere/at/all');
});

const packages = join(import.meta.dirname, '../../node_modules');
const images = process.env['WARD_IMAGES'] ?? '/var/lib/ward/images';

/** Unpacked layers of Ward's own images. The store may also have images of the operator. */
async function ownLayers(): Promise<readonly string[]> {
  const entries = (await readIndex(images))?.manifests ?? [];
  const own = entries.filter((entry) => ownImageNames().has(refNameOf(entry) ?? ''));
  const found = await Promise.all(own.map((entry) => readImage(images, entry)));
  const diffIds = new Set(found.flatMap(({ config }) => config.rootfs.diff_ids));
  return [...diffIds].map((diffId) => join(images, 'layers/unpacked', diffId.replace('sha256:', '')));
}

/** Every nth file below the roots. */
function filesBelow(roots: readonly string[], every: number): readonly string[] {
  const all = roots
    .flatMap((root) => readdirSync(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    // Caches contain the samples of the tests.
    .filter((path) => !path.includes('node_modules/.'));
  return all.filter((_, index) => index % every === 0);
}

/** Undefined when the file is too long for a test, or was removed meanwhile. */
function contentOf(path: string): Buffer | undefined {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  return size === undefined || size > 4_000_000 ? undefined : readFileSync(path);
}

async function alarms(
  roots: readonly string[],
  every: number,
): Promise<{ count: number; found: readonly string[] }> {
  const { files } = await (await createInspectors()).here();
  const found: string[] = [];
  let count = 0;
  for (const path of filesBelow(roots, every)) {
    const content = contentOf(path);
    if (content === undefined) continue;
    count++;
    const root = roots.find((each) => path.startsWith(`${each}/`)) ?? '/';
    const name = relative(root, path);
    for (const finding of await inspect(files, name, content)) {
      if (finding.class !== 'misconfiguration') found.push(`${finding.id} ${path}`);
    }
  }
  return { count, found };
}

test('no malware and no secret in Ward’s own runtime images', async (context) => {
  const layers = await ownLayers();
  if (layers.length === 0) context.skip(`needs the runtime images in ${images}: npm start builds them`);
  const { count, found } = await alarms(layers, 7);
  expect(found).toEqual([]);
  expect(count).toBeGreaterThan(100);
});

test.skipIf(!existsSync(packages))('no malware and no secret in the packages that Ward uses', async () => {
  const { count, found } = await alarms([packages], 17);
  expect(found).toEqual([]);
  expect(count).toBeGreaterThan(300);
});
