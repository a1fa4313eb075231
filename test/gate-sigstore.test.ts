/**
 * Sigstore bundles at the gate, end to end: pushed to a registry with a gate, signed with keys and keyless. If cosign
 * is installed, Ward accepts its bundles and it accepts Ward's. It also confirms that the certificates and logs which
 * `sigstore.fixture.ts` makes for the tests look like sigstore's own.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { digestOf } from '../src/blobs/index.ts';
import {
  type Artifact,
  bundleMediaType,
  generateKeyPair,
  openGateStore,
  parsePolicy,
  predicateTypes,
  readSigningKey,
  referrerManifest,
  signatureBundle,
  type Vouchers,
} from '../src/gate/index.ts';
import {
  issuer,
  rootOfLog,
  type Signing,
  type Sigstore,
  startSigstore,
  subject,
} from '../src/gate/trust/sigstore.fixture.ts';
import { indexMediaType, manifestMediaType } from '../src/images/index.ts';
import { type JsonObject, runCommand } from '../src/lib/index.ts';
import {
  type Files,
  type GateFolder,
  imageWith,
  lodash,
  lodashAdvisory,
  openPlace,
  type TestImage,
} from '../src/server/gate/guarded.fixture.ts';
import { gatePaths } from '../src/server/instance/gate-paths.ts';

const isInstalled = async (...argv: readonly string[]) =>
  (await runCommand(argv).catch(() => undefined))?.code === 0;
const hasCosign = await isInstalled('cosign', 'version');
const hasOpenssl = await isInstalled('openssl', 'version');
if (!hasCosign) console.warn('cosign is not installed: its tests are skipped (apt-get install cosign)');
if (!hasOpenssl) console.warn('openssl is not installed: tests of signatures without keys are skipped');

const pair = generateKeyPair('secret');
const key = readSigningKey(pair.privateKey, 'secret');
const createdAt = '2026-01-01T00:00:00Z';
const deadline = { timeout: 60_000, interval: 20 };
let place: GateFolder;
let folder: string;
let count = 0;

beforeAll(async () => {
  place = await openPlace();
  folder = await mkdtemp(join(tmpdir(), 'ward-sigstore-test-'));
  const host = place.url.replace('http://', '');
  await writeFile(
    join(folder, 'config.json'),
    JSON.stringify({ auths: { [host]: { auth: 'a2V5OmtleQ==' } } }),
  );
  await writeFile(join(folder, 'ward.pub'), pair.publicKey);
  await writeFile(join(folder, 'predicate.json'), '{"scanner":{"uri":"ward"}}');
  await writeFile(join(folder, 'empty.json'), '{}');
});
afterAll(async () => {
  await place?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface Pushed {
  readonly image: TestImage;
  readonly repository: string;
  readonly name: string;
}

async function pushed(files: Files = {}): Promise<Pushed> {
  const repository = `guest/signed-${++count}`;
  const image = await imageWith({ ...files, run: `#!/bin/sh\n# ${count}\n` });
  expect((await place.push(repository, 'v1', image)).status).toBe(201);
  return { image, repository, name: `${place.url.replace('http://', '')}/${repository}@${image.digest}` };
}

const subjectOf = ({ digest, manifest }: TestImage) => ({
  mediaType: manifestMediaType,
  digest,
  size: manifest.length,
});

function bundleOf(image: TestImage, content: JsonObject | Buffer): Artifact {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
  return referrerManifest({
    subject: subjectOf(image),
    artifactType: bundleMediaType,
    content: bytes,
    createdAt,
  });
}

/** Waits until the gate uses it. */
async function policyInForce(text: string): Promise<void> {
  await place.policy(text);
  const { revision } = parsePolicy(`form: 1\n${text}`);
  const isLast = async () =>
    (await place.audit()).findLast(({ event }) => event === 'policy')?.policyRevision === revision;
  await vi.waitFor(async () => expect(await isLast()).toBe(true), deadline);
}

const deploy = ({ repository, image }: Pushed) =>
  place.guarded.codeGate.admitImage({
    namespace: 'guest',
    actor: 'key 1',
    action: 'guest/a',
    image: `${repository}@${image.digest}`,
  });

/** Signatures and attestations in the stored verdict of the last deployment. */
async function vouchersOf({ digest }: TestImage): Promise<Vouchers | undefined> {
  const store = await openGateStore({ path: gatePaths(place.dataDir).database });
  const found = (await store.verdicts(digest)).find(({ stage }) => stage === 'deploy');
  await store.close();
  return found?.vouchers;
}

/** A policy that requires only these rules at deployment. */
const asking = (rules: string, head: string) =>
  `${head}\nrules: { advisories: { missing: allow }, distribution: { unknown: allow } }\noverrides: [{ stages: [deploy, run], rules: { ${rules} } }]`;
const keyed = (rules: string, publicKey = pair.publicKey) =>
  asking(rules, `keys: { release: ${JSON.stringify(publicKey)} }`);
const signedByRelease = 'signatures: { action: deny, keys: [release] }';

describe('by a key', () => {
  it('a bundle beside the image lets it be deployed, until it is deleted; one of another image never does', async () => {
    await policyInForce(keyed(signedByRelease));
    const [one, other] = [await pushed(), await pushed()];
    const signed = signatureBundle(subjectOf(other.image), { name: 'app' }, key, createdAt);
    await place.attach(one.repository, bundleOf(one.image, signed.blobs[0]?.content ?? Buffer.alloc(0)));
    expect(await deploy(one)).toMatchObject({
      outcome: 'deny',
      summary: expect.stringContaining(
        '(0 of 1 required signatures (keys: release); found: none; sign it as one of them: ward image sign, cosign sign)',
      ),
    });
    await place.attach(other.repository, signed);
    expect(await deploy(other)).not.toMatchObject({ outcome: 'deny' });
    expect(await vouchersOf(other.image)).toEqual({ signedBy: ['release'], attested: [] });
    expect(await place.mayRun(`${other.repository}@${other.image.digest}`)).not.toMatchObject({
      outcome: 'deny',
    });
    await place.call('DELETE', `/v2/${other.repository}/manifests/${signed.manifest.digest}`);
    expect(await place.mayRun(`${other.repository}@${other.image.digest}`)).toMatchObject({
      outcome: 'deny',
    });
  });
});

/** The exit code, and all output. */
async function cosign(...argv: readonly string[]): Promise<readonly [code: number | null, said: string]> {
  const env = { ...process.env, HOME: folder, DOCKER_CONFIG: folder, COSIGN_PASSWORD: 'theirs' };
  const { code, stdout, stderr } = await runCommand(['cosign', ...argv], {
    cwd: folder,
    env,
    timeoutMs: 60_000,
  });
  return [code, stdout + stderr];
}

const bundled = ['--new-bundle-format', '--allow-http-registry'] as const;
const offline = ['--trusted-root', 'root.json', '--insecure-ignore-tlog=true', ...bundled] as const;

describe.skipIf(!hasCosign)('cosign', () => {
  beforeAll(async () => {
    expect((await cosign('generate-key-pair'))[0]).toBe(0);
    await writeFile(join(folder, 'root.json'), rootOfLog());
  });

  it('signs and attests in bundles, and the gate trusts only its key', async () => {
    const what = await pushed();
    const theirs = await readFile(join(folder, 'cosign.pub'), 'utf8');
    const rules = `${signedByRelease}, attestations: { action: deny, types: [vuln], keys: [release] }`;
    await policyInForce(keyed(rules, theirs));
    const attest = async (type: string, predicate: string) => {
      const how = [
        '--key',
        'cosign.key',
        '--tlog-upload=false',
        '--yes',
        '--type',
        type,
        '--predicate',
        predicate,
      ];
      expect(await cosign('attest', ...bundled, ...how, what.name)).toMatchObject([0, expect.anything()]);
    };
    await attest('vuln', 'predicate.json');
    expect(await deploy(what)).toMatchObject({
      outcome: 'deny',
      summary: expect.stringMatching(/denied by policy \(signatures\)/),
    });
    // cosign 3 makes these for `cosign sign`.
    await attest(predicateTypes.signature, 'empty.json');
    expect(await deploy(what)).not.toMatchObject({ outcome: 'deny' });
    expect(await vouchersOf(what.image)).toEqual({ signedBy: ['release'], attested: ['vuln by release'] });
    await policyInForce(keyed(rules));
    expect(await deploy(what)).toMatchObject({ outcome: 'deny' });
  });

  it.each([
    ['under a tag', ['sign', '--allow-http-registry']],
    [
      'in a bundle',
      ['attest', ...bundled, ...['--type', predicateTypes.signature, '--predicate', 'empty.json']],
    ],
  ])('signs an index %s, which counts for the images that it lists', async (_how, [verb = '', ...how]) => {
    const [listed, beside, other] = [await pushed(), await pushed(), await pushed()];
    for (const each of [beside, other]) {
      expect((await place.push(listed.repository, each.image.digest, each.image)).status).toBe(201);
    }
    const index = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: indexMediaType,
        manifests: [
          { ...subjectOf(listed.image), platform: { os: 'linux', architecture: 'amd64' } },
          // buildx lists attestations like this.
          { ...subjectOf(beside.image), platform: { os: 'unknown', architecture: 'unknown' } },
        ],
      }),
    );
    const path = `/v2/${listed.repository}/manifests/multi`;
    expect((await place.call('PUT', path, index, indexMediaType)).status).toBe(201);
    await policyInForce(keyed(signedByRelease, await readFile(join(folder, 'cosign.pub'), 'utf8')));
    const outcomeOf = async ({ image }: Pushed) => (await deploy({ ...listed, image })).outcome;
    expect(await outcomeOf(listed)).toBe('deny');
    const run = `${listed.repository}@${listed.image.digest}`;
    expect(await place.mayRun(run)).toMatchObject({ outcome: 'deny' });

    const key = ['--key', 'cosign.key', '--tlog-upload=false', '--yes'];
    const name = `${listed.name.slice(0, listed.name.indexOf('@'))}@${digestOf(index)}`;
    expect(await cosign(verb, ...how, ...key, name)).toMatchObject([0, expect.anything()]);
    expect(await outcomeOf(listed)).not.toBe('deny');
    expect(await place.mayRun(run)).not.toMatchObject({ outcome: 'deny' });
    expect(await outcomeOf(beside)).toBe('deny');
    expect(await outcomeOf(other)).toBe('deny');

    // It does not count with another's key, nor once the index is gone.
    await policyInForce(keyed(signedByRelease));
    expect(await outcomeOf(listed)).toBe('deny');
    await policyInForce(keyed(signedByRelease, await readFile(join(folder, 'cosign.pub'), 'utf8')));
    expect(await place.mayRun(run)).not.toMatchObject({ outcome: 'deny' });
    await place.call('DELETE', `/v2/${listed.repository}/manifests/${digestOf(index)}`);
    expect(await place.mayRun(run)).toMatchObject({ outcome: 'deny' });
  });

  it('trusts a bundle that Ward signed, by its key alone', async () => {
    const { image, repository, name } = await pushed();
    await place.attach(repository, signatureBundle(subjectOf(image), { name: 'app' }, key, createdAt));
    const verify = (publicKey: string) =>
      cosign('verify-attestation', ...offline, '--type', predicateTypes.signature, '--key', publicKey, name);
    expect(await verify('ward.pub')).toMatchObject([0, expect.anything()]);
    expect((await verify('cosign.pub'))[0]).not.toBe(0);
  });
});

describe.skipIf(!hasOpenssl)('without a key', () => {
  let sigstore: Sigstore;
  let head: string;
  beforeAll(async () => {
    sigstore = await startSigstore();
    head = [
      `trustedRoots: { sigstore: ${JSON.stringify(sigstore.trustedRoot)} }`,
      `identities: { ci: { root: sigstore, issuer: "${issuer}", subject: "https://github.com/acme/app/*@refs/heads/main" } }`,
    ].join('\n');
  });
  afterAll(() => sigstore?.[Symbol.asyncDispose]());

  const builder = 'https://github.com/actions/runner/github-hosted';
  const built = (repository: string) => ({
    buildDefinition: {
      buildType: 'https://actions.github.io/buildtypes/workflow/v1',
      externalParameters: { workflow: { ref: 'refs/heads/main', repository, path: 'release.yml' } },
    },
    runDetails: { builder: { id: builder } },
  });

  it('an image is deployed with an identity’s signature and its provenance', async () => {
    const rules = [
      'signatures: { action: deny, identities: [ci], logEntries: 1 }',
      `provenance: { action: deny, identities: [ci], builders: ["${builder}"], sources: ["https://github.com/acme/app"] }`,
    ].join(', ');
    await policyInForce(asking(rules, head));
    const what = await pushed();
    const { digest } = what.image;
    const attach = async (signing: Omit<Signing, 'digest'>) =>
      place.attach(what.repository, bundleOf(what.image, await sigstore.sign({ ...signing, digest })));
    await attach({
      predicateType: predicateTypes.signature,
      name: 'URI:https://github.com/evil/app/x@refs/heads/main',
    });
    await attach({
      predicateType: predicateTypes.provenance,
      predicate: built('https://github.com/evil/app'),
    });
    const { outcome, summary } = await deploy(what);
    expect(outcome).toBe('deny');
    expect(summary).toContain('(signatures, provenance)');
    await attach({ predicateType: predicateTypes.signature });
    expect((await deploy(what)).summary).toContain(
      'the source https://github.com/evil/app, which is not among the rule’s sources',
    );
    await attach({
      predicateType: predicateTypes.provenance,
      predicate: built('https://github.com/acme/app'),
    });
    expect(await deploy(what)).not.toMatchObject({ outcome: 'deny' });
    expect(await vouchersOf(what.image)).toEqual({
      signedBy: [`ci (${subject})`],
      attested: [`slsaprovenance by ci (${subject})`],
    });
  });

  it('an image is based on one that an identity signed, in a log if the rule asks for it', async () => {
    const bases = (more: string) =>
      asking(`bases: { action: deny, ward: false, identities: [ci]${more} }`, head);
    await policyInForce(bases(''));
    const [base, other] = [await pushed(), await pushed()];
    const sign = async ({ image, repository }: Pushed, name?: string) => {
      const signing = { digest: image.digest, predicateType: predicateTypes.signature };
      const bundle = await sigstore.sign(name === undefined ? signing : { ...signing, name });
      await place.attach(repository, bundleOf(image, bundle));
    };
    await sign(base);
    await sign(other, 'URI:https://github.com/evil/app/x@refs/heads/main');
    const refused = { outcome: 'deny', summary: expect.stringContaining('(bases)') };
    // An image that has all layers of a base is based on it. A new signature of a base takes a moment to count.
    await expect.poll(() => deploy(base)).not.toMatchObject({ outcome: 'deny' });
    expect(await deploy(other)).toMatchObject(refused);
    await policyInForce(bases(', logEntries: 4'));
    expect(await deploy(base)).toMatchObject(refused);
  });

  it('VEX by an identity in the policy removes a vulnerability, and VEX by others does not', async () => {
    await place.advisories(lodashAdvisory);
    await vi.waitFor(
      async () => expect((await place.audit()).map(({ event }) => event)).toContain('advisories'),
      deadline,
    );
    await policyInForce(
      asking('gaps: deny', `${head}`).replace('rules: {', 'rules: { vulnerabilities: { action: warn },'),
    );
    const what = await pushed(lodash('4.17.20'));
    const high = { summary: expect.stringContaining('1 high') };
    const predicate = {
      ...{ '@context': 'https://openvex.dev/ns/v0.2.0', '@id': 'https://acme.example/vex', author: 'ci' },
      ...{ timestamp: '2026-01-01T00:00:00Z', version: 1 },
      statements: [
        {
          vulnerability: { name: 'CVE-2021-23337' },
          products: [{ '@id': 'pkg:npm/lodash@4.17.20' }],
          ...{ status: 'not_affected', justification: 'vulnerable_code_not_in_execute_path' },
        },
      ],
    };
    const vex = { digest: what.image.digest, predicateType: 'https://openvex.dev/ns/v0.2.0', predicate };
    const attach = async (name?: string) =>
      place.attach(
        what.repository,
        bundleOf(what.image, await sigstore.sign(name === undefined ? vex : { ...vex, name })),
      );
    await attach('URI:https://github.com/evil/app/x@refs/heads/main');
    expect(await deploy(what)).toMatchObject(high);
    await attach();
    expect(await deploy(what)).not.toMatchObject(high);
  });

  it.skipIf(!hasCosign)('cosign agrees on such bundles', async () => {
    const { image } = await pushed();
    const bundle = await sigstore.sign({ digest: image.digest, predicateType: predicateTypes.signature });
    await writeFile(join(folder, 'keyless.json'), sigstore.trustedRoot);
    await writeFile(join(folder, 'bundle.json'), JSON.stringify(bundle));
    // The signed digest is that of these bytes.
    await writeFile(join(folder, 'manifest.json'), image.manifest);
    const verify = (identity: string) =>
      cosign(
        'verify-blob-attestation',
        ...['--new-bundle-format', '--bundle', 'bundle.json', '--trusted-root', 'keyless.json'],
        ...['--type', predicateTypes.signature, '--certificate-oidc-issuer', issuer],
        ...['--certificate-identity', identity, 'manifest.json'],
      );
    expect(await verify(subject)).toMatchObject([0, expect.anything()]);
    expect((await verify('ada@example.org'))[0]).not.toBe(0);
  });
});
