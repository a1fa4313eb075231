/** Signatures and attestations with the real cosign, if it is installed (Debian's package `cosign`). */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../src/blobs/index.ts';
import {
  type Artifact,
  attestationManifest,
  companionTag,
  generateKeyPair,
  layersOf,
  openStatement,
  predicateTypes,
  provenancePredicate,
  readSigningKey,
  readTrustedKey,
  sealStatement,
  signManifest,
  verifySignatures,
  vulnerabilityPredicate,
} from '../src/gate/index.ts';
import { runCommand } from '../src/lib/index.ts';
import { startTrustRegistry, type TrustRegistry } from './trust-registry.ts';

const isInstalled = await runCommand(['cosign', 'version']).then(
  ({ code }) => code === 0,
  () => false,
);
if (!isInstalled) console.warn('cosign is not installed: its tests are skipped (apt-get install cosign)');

describe.skipIf(!isInstalled)('with cosign', () => {
  const pair = generateKeyPair('secret');
  const key = readSigningKey(pair.privateKey, 'secret');
  let registry: TrustRegistry;
  let folder: string;
  let image: Digest;
  let reference: string;

  const cosign = async (...args: readonly string[]) => {
    const env = { ...process.env, COSIGN_PASSWORD: 'theirs', HOME: folder };
    const { code, stdout, stderr } = await runCommand(['cosign', ...args], { cwd: folder, env });
    return { code, said: stdout + stderr };
  };
  const verify = (publicKey: string, ...more: readonly string[]) =>
    cosign(
      'verify',
      ...['--key', publicKey, '--insecure-ignore-tlog=true', '--allow-http-registry', ...more],
      reference,
    );

  beforeAll(async () => {
    registry = await startTrustRegistry();
    folder = await mkdtemp(join(tmpdir(), 'ward-trust-'));
    image = registry.push(emptyImage());
    reference = `${registry.host}/team/app@${image}`;
    await writeFile(join(folder, 'ward.pub'), pair.publicKey);
    expect(await cosign('generate-key-pair')).toMatchObject({ code: 0 });
  });
  afterAll(async () => {
    await registry?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('cosign accepts what Ward signed, with its annotations, and nothing else', async () => {
    registry.push(signManifest({ digest: image, reference, annotations: { gate: 'passed' } }, key));
    expect(await verify('ward.pub')).toMatchObject({ code: 0 });
    expect(await verify('ward.pub', '-a', 'gate=passed')).toMatchObject({ code: 0 });
    expect((await verify('ward.pub', '-a', 'gate=refused')).code).not.toBe(0);
    expect((await verify('cosign.pub')).code).not.toBe(0);
  });

  it('Ward accepts what cosign signed beside it, and the other way round', async () => {
    const signing = ['--key', 'cosign.key', '--tlog-upload=false', '--allow-http-registry', '--yes'];
    expect(await cosign('sign', ...signing, '-a', 'team=red', reference)).toMatchObject({ code: 0 });
    const theirs = readTrustedKey(await readFile(join(folder, 'cosign.pub'), 'utf8'));
    const layers = registry.layers(companionTag(image, 'sig'));
    expect(verifySignatures(image, layers, [theirs]).verified).toMatchObject([
      { keyId: theirs.id, annotations: { team: 'red' } },
    ]);
    expect(verifySignatures(image, layers, [key, theirs]).verified).toHaveLength(2);
    expect(await verify('ward.pub')).toMatchObject({ code: 0 });

    const earlier = layersOf(registryManifest(layers));
    registry.push(signManifest({ digest: image, reference, annotations: {} }, key, earlier));
    expect(await verify('cosign.pub')).toMatchObject({ code: 0 });
  });

  it.each([
    ['vuln', predicateTypes.vulnerabilities, vulnerabilityPredicate(scan)],
    ['slsaprovenance1', predicateTypes.provenance, provenancePredicate(build)],
  ] as const)('cosign accepts an attestation of Ward: %s', async (type, predicateType, predicate) => {
    const statement = { subjects: [{ name: 'team/app', digest: image }], predicateType, predicate };
    const envelope = sealStatement(statement, key);
    registry.push(attestationManifest(image, [{ envelope, predicateType }]));
    const verifying = ['--insecure-ignore-tlog=true', '--allow-http-registry', '--type', type, reference];
    expect(await cosign('verify-attestation', '--key', 'ward.pub', ...verifying)).toMatchObject({ code: 0 });
    expect((await cosign('verify-attestation', '--key', 'cosign.pub', ...verifying)).code).not.toBe(0);
  });

  it('Ward accepts an attestation of cosign', async () => {
    await writeFile(join(folder, 'vuln.json'), JSON.stringify(vulnerabilityPredicate(scan)));
    const attesting = ['--key', 'cosign.key', '--tlog-upload=false', '--allow-http-registry', '--yes'];
    const made = await cosign(
      'attest',
      ...attesting,
      '--type',
      'vuln',
      '--predicate',
      'vuln.json',
      reference,
    );
    expect(made).toMatchObject({ code: 0 });
    const theirs = readTrustedKey(await readFile(join(folder, 'cosign.pub'), 'utf8'));
    const opened = registry
      .layers(companionTag(image, 'att'))
      .map(({ content }) => openStatement(content, [theirs]))
      .filter((each) => each !== undefined);
    expect(opened).toMatchObject([
      { subjects: [{ digest: image }], predicateType: predicateTypes.vulnerabilities, keyId: theirs.id },
    ]);
  });
});

const scan = {
  scannerUri: 'pkg:generic/ward',
  scannerVersion: '1',
  advisoryRevision: 'r1',
  result: { vulnerabilities: [] },
  startedAt: '2026-01-01T00:00:00Z',
  finishedAt: '2026-01-01T00:00:01Z',
};
const build = {
  buildType: 'https://ward.example/build/v1',
  parameters: { folder: 'app' },
  dependencies: [{ uri: 'pkg:oci/nodejs@24', digest: digestOf('base') }],
  builder: 'https://ward.example/builder',
  invocationId: 'b1',
  startedAt: '2026-01-01T00:00:00Z',
  finishedAt: '2026-01-01T00:00:01Z',
};

function emptyImage(): Artifact {
  const blob = (mediaType: string, value: object) => {
    const content = Buffer.from(JSON.stringify(value));
    return { mediaType, content, digest: digestOf(content) };
  };
  const config = blob('application/vnd.oci.image.config.v1+json', {
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [] },
  });
  const { mediaType, digest, content } = config;
  const manifestType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = blob(manifestType, {
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType, digest, size: content.length },
    layers: [],
  });
  return { blobs: [config], manifest, tag: 'v1' };
}

/** A manifest with these layers, as the registry serves it. */
function registryManifest(layers: ReturnType<TrustRegistry['layers']>): Buffer {
  const descriptors = layers.map(({ mediaType, content, annotations }) => ({
    mediaType,
    digest: digestOf(content),
    size: content.length,
    annotations,
  }));
  return Buffer.from(JSON.stringify({ schemaVersion: 2, layers: descriptors }));
}
