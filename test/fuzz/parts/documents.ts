/** Inputs of the scanner and the gate: SBOMs, VEX, advisories, reports, signatures, package files, images. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { readManifestDocument } from '../../../src/content/index.ts';
import { parseVex } from '../../../src/gate/index.ts';
import { parseCheckpoint } from '../../../src/gate/store/checkpoint.ts';
import { openStatement } from '../../../src/gate/trust/attestations.ts';
import { openBundle } from '../../../src/gate/trust/bundle.ts';
import { generateKeyPair, readSigningKey, readTrustedKey } from '../../../src/gate/trust/keys.ts';
import { rootOfLog } from '../../../src/gate/trust/sigstore.fixture.ts';
import { parseSimpleSigning } from '../../../src/gate/trust/simple-signing.ts';
import { readTrustedRoot } from '../../../src/gate/trust/trusted-root.ts';
import { configSchema, indexSchema, parseDocument } from '../../../src/images/index.ts';
import type { JsonValue } from '../../../src/lib/index.ts';
import { parseTarget } from '../../../src/registry/target.ts';
import { detectForm, shapeOf } from '../../../src/scanner/advisories/forms/detect.ts';
import { Flaw, forms } from '../../../src/scanner/advisories/forms/form.ts';
import { readers } from '../../../src/scanner/advisories/forms/readers.ts';
import { jsonSplitter } from '../../../src/scanner/advisories/importing/json-splitter.ts';
import { parseReport, scannedConfig } from '../../../src/scanner/index.ts';
import { readSbom } from '../../../src/scanner/sbom/read-sbom.ts';
import { compareVersions } from '../../../src/scanner/versions/compare.ts';
import { catalog, tellInAllForms } from '../catalog.ts';
import {
  hostileText,
  mutatedBytes,
  mutatedDocument,
  mutatedJson,
  mutatedText,
  shownBytes,
} from '../hostile.ts';
import * as seeds from '../seeds/documents.ts';
import type { Part, Probe } from '../types.ts';
import { refusesOrAnswers } from '../verdicts.ts';

const references = [
  'guest/app/manifests/latest',
  `guest/app/blobs/sha256:${'a'.repeat(64)}`,
  'guest/app/blobs/uploads/',
  'guest/app/tags/list',
];
const manifestType = 'application/vnd.oci.image.manifest.v1+json';

function ofDocument(
  target: string,
  seeded: readonly JsonValue[],
  work: (bytes: Buffer) => unknown,
): fc.Arbitrary<Probe> {
  return mutatedDocument(seeded).map((bytes) => ({
    target,
    shown: shownBytes(bytes),
    run: () => refusesOrAnswers(() => work(bytes)),
  }));
}

/** One record of a form, as an import reads it: a record that makes no sense is a flaw. */
const advisoryRecord: fc.Arbitrary<Probe> = fc.constantFrom(...forms).chain((form) => {
  const seed = seeds.advisories[form];
  const values = typeof seed === 'string' ? mutatedText([seed]) : mutatedJson([seed]);
  return fc.tuple(values, hostileText).map(([value, name]) => ({
    target: `advisory of the form ${form}`,
    shown: JSON.stringify(value),
    run: () => {
      const sink = { advisory() {}, fact() {}, bad() {}, skip() {} };
      const read = readers[form]({ sink, asOf: '2024-01-01T00:00:00Z', stem: 'debian' });
      try {
        read({ place: 'line 1', path: [name], value });
      } catch (error) {
        if (!(error instanceof Flaw)) throw error;
      }
    },
  }));
});

/** A whole file of advisories: its form is recognised by its beginning, and it is cut into records. */
function cutIntoRecords(bytes: Buffer): void {
  const form = detectForm(bytes.toString('utf8', 0, 65_536), false);
  const shape = form && shapeOf(form, bytes.toString('utf8', 0, 65_536), false);
  const splitter = jsonSplitter(shape?.kind === 'parts' ? shape.depth : 0, 100_000);
  try {
    for (let at = 0; at < bytes.length; at += 1000)
      for (const { text } of splitter.push(bytes.subarray(at, at + 1000))) JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
}

const packageFile: fc.Arbitrary<Probe> = fc
  .constantFrom(...Object.entries(seeds.packageFiles))
  .chain(([path, text]) =>
    fc
      .oneof(
        mutatedText([text]).map((each) => Buffer.from(each)),
        mutatedBytes([Buffer.from(text)]),
      )
      .map((content) => ({ target: path, shown: shownBytes(content), run: () => catalog(path, content) })),
  );

const jsonFiles = Object.entries(seeds.packageFiles).filter(([path]) => /\.json$|composer\.lock$/.test(path));
const jsonPackageFile: fc.Arbitrary<Probe> = fc.constantFrom(...jsonFiles).chain(([path, text]) =>
  mutatedJson([JSON.parse(text)])
    .map((value) => Buffer.from(JSON.stringify(value)))
    .map((content) => ({ target: path, shown: shownBytes(content), run: () => catalog(path, content) })),
);

const program = readFileSync('/bin/true').subarray(0, 20_000);
const programFile = mutatedBytes([program]).map(
  (content): Probe => ({
    target: 'program',
    shown: shownBytes(content),
    run: () => catalog('usr/bin/x', content),
  }),
);

const ecosystems = [
  'deb',
  'apk',
  'rpm',
  'npm',
  'pypi',
  'golang',
  'maven',
  'cargo',
  'gem',
  'composer',
] as const;
const version = mutatedText([
  '1:2.3.4~rc1-5+deb12u1',
  '1.2.3-beta.1+build',
  '2!1.0.post1.dev2',
  '1.0_rc1-r2',
  'v1.0-20240101-abcdef',
]);
const versions = fc.tuple(fc.constantFrom(...ecosystems), version, version).map(
  ([ecosystem, a, b]): Probe => ({
    target: `versions of ${ecosystem}`,
    shown: JSON.stringify([a, b]),
    run: () => {
      const [there, back] = [compareVersions(ecosystem, a, b), compareVersions(ecosystem, b, a)];
      if (there !== undefined && back !== undefined && Math.sign(there) !== -Math.sign(back))
        throw new Error('the order is inconsistent');
    },
  }),
);

export const documents: Part = {
  name: 'documents',
  share: 14_000,
  needsSandboxes: false,
  async open() {
    const { privateKey, publicKey: pem } = generateKeyPair('fuzz');
    const key = readSigningKey(privateKey, 'fuzz');
    const rootText = rootOfLog();
    const root = readTrustedRoot('fuzz', rootText);
    return {
      lanes: 1,
      probes: fc.oneof(
        ofDocument('SBOM', seeds.sboms, (bytes) => tellInAllForms(readSbom(bytes))),
        ofDocument('VEX', seeds.vex, parseVex),
        ofDocument('report', [seeds.report], (bytes) => parseReport(bytes, 'report.json')),
        ofDocument('manifest of an image', seeds.manifests, (bytes) =>
          readManifestDocument(bytes, manifestType),
        ),
        ofDocument('index of a layout', seeds.manifests, (bytes) =>
          parseDocument(indexSchema, bytes, 'index'),
        ),
        ofDocument('configuration of an image', [seeds.imageConfig], (bytes) =>
          scannedConfig(parseDocument(configSchema, bytes, 'config')),
        ),
        ofDocument('attestation', [seeds.envelope], (bytes) => openStatement(bytes, [key])),
        ofDocument('bundle', seeds.bundles, (bytes) => openBundle(bytes, { keys: [key], roots: [root] })),
        ofDocument('trusted root', [JSON.parse(rootText)], (bytes) => readTrustedRoot('x', bytes.toString())),
        ofDocument('signature', [seeds.simpleSigning], parseSimpleSigning),
        ofDocument('checkpoint', [seeds.checkpoint], (bytes) => parseCheckpoint(bytes.toString())),
        ofDocument('file of advisories', Object.values(seeds.advisories), cutIntoRecords),
        mutatedText([pem]).map(
          (text): Probe => ({
            target: 'key',
            shown: text,
            run: () => refusesOrAnswers(() => readTrustedKey(text)),
          }),
        ),
        mutatedText(references).map(
          (path): Probe => ({
            target: 'path below /v2',
            shown: path,
            run: () => refusesOrAnswers(() => parseTarget(path)),
          }),
        ),
        { weight: 3, arbitrary: advisoryRecord },
        { weight: 3, arbitrary: packageFile },
        { weight: 4, arbitrary: jsonPackageFile },
        programFile,
        versions,
      ),
      async [Symbol.asyncDispose]() {},
    };
  },
};
