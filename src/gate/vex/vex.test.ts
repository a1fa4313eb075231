import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../blobs/index.ts';
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import { malware, reportOf, vulnerability } from '../reports.fixture.ts';
import { predicateTypes, sealStatement } from '../trust/attestations.ts';
import { envelopeMediaType } from '../trust/envelope.ts';
import { verifyEvidence } from '../trust/evidence-layers.ts';
import { generateKeyPair, readSigningKey, type TrustedKey } from '../trust/keys.ts';
import { operatorVex, packVex, readVexFiles, readVexFolder, unpackVex } from './documents.ts';
import { applyVex, attestedStatements, parseVex } from './vex.ts';

const report = reportOf({ findings: [vulnerability(), malware('MAL-1')] });
const image = report.target.digest ?? '';
const lodash = 'pkg:npm/lodash@4.17.15';

const openVex = (...statements: readonly JsonObject[]): JsonObject => ({
  '@context': 'https://openvex.dev/ns/v0.2.0',
  '@id': 'https://example.org/vex/1',
  author: 'Ada',
  timestamp: '2026-01-01T00:00:00Z',
  version: 1,
  statements,
});
const statement = (change: JsonObject = {}): JsonObject => ({
  vulnerability: { name: 'CVE-2021-23337' },
  products: [{ '@id': lodash }],
  status: 'not_affected',
  justification: 'vulnerable_code_not_in_execute_path',
  ...change,
});
const parsed = (document: JsonValue) => parseVex(Buffer.from(JSON.stringify(document)));
const suppressed = (document: JsonValue, of = report) =>
  applyVex(of, parsed(document)).suppressed.map(({ finding }) => finding.id);

describe('OpenVEX', () => {
  it('suppresses a finding with its reason, but never malware', () => {
    const all = openVex(statement(), statement({ vulnerability: { name: 'MAL-1' } }));
    const { findings, suppressed: away } = applyVex(report, parsed(all));
    expect(findings.map(({ id }) => id)).toEqual(['MAL-1']);
    expect(away).toMatchObject([
      { reason: 'vex: not_affected (vulnerable_code_not_in_execute_path), says Ada' },
    ]);
  });

  it.each([
    ['by an alias', { vulnerability: { name: 'GHSA-35jh-r3h4-6jhm' } }, true],
    ['by an alias of its own', { vulnerability: { name: 'X-1', aliases: ['cve-2021-23337'] } }, true],
    ['as text', { vulnerability: 'CVE-2021-23337' }, true],
    ['another vulnerability', { vulnerability: { name: 'CVE-2021-2333' } }, false],
    ['fixed', { status: 'fixed', justification: undefined }, true],
    ['affected', { status: 'affected', justification: undefined }, false],
    ['under investigation', { status: 'under_investigation', justification: undefined }, false],
    ['all versions', { products: [{ '@id': 'pkg:npm/lodash' }] }, true],
    ['another version', { products: [{ '@id': 'pkg:npm/lodash@4.17.14' }] }, false],
    ['qualifiers that it does not have', { products: [{ '@id': `${lodash}?arch=x` }] }, false],
    ['its identifier', { products: [{ '@id': 'https://x', identifiers: { purl: lodash } }] }, true],
    ['the image', { products: [{ '@id': image }] }, true],
    ['the image by its hash', { products: [{ hashes: { 'sha-256': image.slice(7) } }] }, true],
    ['another image', { products: [{ hashes: { 'sha-256': '0'.repeat(64) } }] }, false],
    ['the image as a package', { products: [{ '@id': `pkg:oci/app@${encodeURIComponent(image)}` }] }, true],
    ['another image as a package', { products: [{ '@id': 'pkg:oci/app@sha256%3A00' }] }, false],
    [
      'the image by its repository',
      { products: [{ '@id': 'pkg:oci/app?repository_url=registry.example/team/app' }] },
      true,
    ],
    [
      'another repository',
      { products: [{ '@id': 'pkg:oci/app?repository_url=registry.example/evil/app' }] },
      false,
    ],
    ['a component of the image', { products: [{ '@id': image, subcomponents: [{ '@id': lodash }] }] }, true],
    [
      'another component of the image',
      { products: [{ '@id': image, subcomponents: [{ '@id': 'pkg:npm/minimist' }] }] },
      false,
    ],
    [
      'a component that can’t be identified',
      { products: [{ '@id': image, subcomponents: [{ '@id': 'https://what' }] }] },
      false,
    ],
    ['no product', { products: [] }, false],
  ])('%s', (_title, change, expected) => {
    expect(suppressed(openVex(statement(change)))).toEqual(expected ? ['CVE-2021-23337'] : []);
  });

  it('the latest statement wins, whatever its place', () => {
    const early = statement({ timestamp: '2026-02-01T00:00:00Z' });
    const late = statement({ status: 'affected', timestamp: '2026-03-01T00:00:00+01:00' });
    expect(suppressed(openVex(early, late))).toEqual([]);
    expect(suppressed(openVex(late, early))).toEqual([]);
    expect(suppressed(openVex(statement({ status: 'affected' }), early))).toEqual(['CVE-2021-23337']);
    expect(suppressed(openVex(statement({ status: 'affected' }), statement()))).toEqual(['CVE-2021-23337']);
  });

  it('a later statement about another product does not count', () => {
    const other = statement({
      status: 'affected',
      products: [{ '@id': 'pkg:npm/minimist' }],
      timestamp: '2026-03-01T00:00:00Z',
    });
    expect(suppressed(openVex(statement(), other))).toEqual(['CVE-2021-23337']);
  });
});

describe('CycloneDX', () => {
  const cycloneDx = (analysis: JsonObject, affects: readonly JsonValue[]): JsonObject => ({
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    metadata: { timestamp: '2026-01-01T00:00:00Z' },
    components: [{ type: 'library', name: 'lodash', 'bom-ref': 'l', purl: 'pkg:npm/lodash' }],
    vulnerabilities: [{ id: 'CVE-2021-23337', analysis, affects }],
  });
  const unaffected = { state: 'not_affected', justification: 'code_not_reachable' };
  it.each([
    ['by reference', unaffected, { ref: 'l' }, true],
    ['by package URL', unaffected, { ref: lodash }, true],
    ['of another document', unaffected, { ref: `urn:cdx:x/1#${encodeURIComponent(lodash)}` }, true],
    ['to nothing', unaffected, { ref: 'm' }, false],
    [
      'this version',
      unaffected,
      { ref: 'l', versions: [{ version: '4.17.15', status: 'unaffected' }] },
      true,
    ],
    [
      'another version',
      unaffected,
      { ref: 'l', versions: [{ version: '4.17.21', status: 'unaffected' }] },
      false,
    ],
    ['a version that is affected', unaffected, { ref: 'l', versions: [{ version: '4.17.15' }] }, false],
    ['a range', unaffected, { ref: 'l', versions: [{ range: 'vers:npm/<5', status: 'unaffected' }] }, false],
    ['false positive', { state: 'false_positive' }, { ref: 'l' }, true],
    ['resolved', { state: 'resolved' }, { ref: 'l' }, true],
    ['exploitable', { state: 'exploitable' }, { ref: 'l' }, false],
    ['in triage', { state: 'in_triage' }, { ref: 'l' }, false],
  ])('%s', (_title, analysis, affected, expected) => {
    expect(suppressed(cycloneDx(analysis, [affected]))).toEqual(expected ? ['CVE-2021-23337'] : []);
  });
});

describe('documents', () => {
  it.each([
    ['no JSON', '{'],
    ['another document', '{}'],
    ['not_affected without a word why', JSON.stringify(openVex(statement({ justification: undefined })))],
    ['an unknown justification', JSON.stringify(openVex(statement({ justification: 'trust me' })))],
    ['an unknown status', JSON.stringify(openVex(statement({ status: 'fine' })))],
    ['an invalid time', JSON.stringify(openVex(statement({ timestamp: 'now' })))],
    ['too deep', `{"a":${'['.repeat(100_000)}`],
  ])('are refused: %s', (_title, text) => {
    expect(() => parseVex(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'VEX_INVALID' }));
  });

  it('count when they are signed with an allowed key', () => {
    const [ours, theirs] = [generateKeyPair('x'), generateKeyPair('x')].map((pair) =>
      readSigningKey(pair.privateKey, 'x'),
    );
    if (ours === undefined || theirs === undefined) throw new Error('no keys');
    const [about, another] = [digestOf('app'), digestOf('another')];
    const layerOf = (predicateType: string) => ({
      mediaType: envelopeMediaType,
      annotations: {},
      content: sealStatement(
        { subjects: [{ name: 'app', digest: about }], predicateType, predicate: openVex(statement()) },
        ours,
      ),
    });
    const statements = (keys: readonly TrustedKey[], digest: Digest, type: string = predicateTypes.openVex) =>
      verifyEvidence(digest, [layerOf(type)], { keys, roots: [] }).attestations.flatMap(attestedStatements);
    expect(statements([ours], about)).toHaveLength(1);
    expect(statements([theirs], about)).toEqual([]);
    expect(statements([], about)).toEqual([]);
    // Attached to an image that it was not signed for, it does not count.
    expect(statements([ours], another)).toEqual([]);
    expect(statements([ours], about, predicateTypes.provenance)).toEqual([]);
  });

  it.each([
    ['an array', '[]'],
    ['no text', '{"a.json": {}}'],
    ['a path', '{"../a.json": "{}"}'],
    ['another name', '{"a.txt": "{}"}'],
    [
      'too many',
      JSON.stringify(Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`${n}.json`, '']))),
    ],
  ])('in a database are refused: %s', (_what, text) => {
    expect(() => unpackVex(Buffer.from(text))).toThrow(/in the database/);
  });

  it('in a folder are read, and an invalid one is named', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ward-vex-'));
    try {
      await writeFile(join(folder, 'a.json'), JSON.stringify(openVex(statement())));
      await writeFile(join(folder, 'README'), 'words');
      // A byte order mark stays, so the bytes that servers share are those of the files.
      await writeFile(join(folder, 'ü.json'), `\ufeff${JSON.stringify(openVex(statement(), statement()))}`);
      const found = await readVexFolder(folder);
      expect(found).toMatchObject({
        revision: expect.stringMatching(/^sha256:/),
        documents: [
          { name: 'a.json', statements: 1 },
          { name: 'ü.json', statements: 2 },
        ],
      });
      const documents = await readVexFiles([join(folder, 'ü.json'), join(folder, 'a.json')]);
      expect(await readVexFiles([folder])).toEqual(documents);
      expect(operatorVex(unpackVex(packVex(documents)))).toEqual(found);
      await writeFile(join(folder, 'b.json'), '{');
      for (const read of [() => readVexFolder(folder), () => readVexFiles([folder])])
        await expect(read()).rejects.toThrow(/b\.json: .*not JSON/);
      await writeFile(join(folder, 'b.json'), JSON.stringify({ ...openVex(), x: 'x'.repeat(8 << 20) }));
      await expect(readVexFiles([folder])).rejects.toMatchObject({ code: 'VEX_INVALID' });
      for (const [paths, why] of [
        [['README'], 'is not named'],
        [['a.json', 'a.json'], 'two files are named a.json'],
        [['none.json'], 'none.json does not exist'],
      ] as const)
        await expect(readVexFiles(paths.map((name) => join(folder, name)))).rejects.toThrow(why);
    } finally {
      await rm(folder, { recursive: true });
    }
    expect(await readVexFolder(folder)).toEqual({ revision: '', statements: [], documents: [] });
  });
});
