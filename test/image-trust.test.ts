/** `ward image keygen`, `sign` and `verify` on folders and in the registry, and with the real cosign if installed. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blobPath, type Digest, parseDigest } from '../src/blobs/index.ts';
import {
  type Artifact,
  bundleMediaType,
  generateKeyPair,
  predicateTypes,
  readSigningKey,
  referrerManifest,
  signatureBundle,
} from '../src/gate/index.ts';
import { issuer, startSigstore } from '../src/gate/trust/sigstore.fixture.ts';
import { tarOf, writeTestImage } from '../src/images/images.fixture.ts';
import { readImage } from '../src/images/index.ts';
import { runCommand } from '../src/lib/index.ts';
import { guestKey, otherKey, startRegistry, type TestRegistry } from '../src/registry/registry.fixture.ts';
import { createRegistryClient } from '../src/server/image-build/registry.ts';

const launcher = fileURLToPath(new URL('../bin/ward.mjs', import.meta.url));
const hasCosign = await runCommand(['cosign', 'version']).then(
  ({ code }) => code === 0,
  () => false,
);
const hasOpenssl = await runCommand(['openssl', 'version']).then(
  ({ code }) => code === 0,
  () => false,
);
if (!hasOpenssl) console.warn('openssl is not installed: a test of signatures without keys is skipped');
if (!hasCosign) console.warn('cosign is not installed: its tests are skipped (apt-get install cosign)');

let folder: string;
let registry: TestRegistry;
let digest: Digest;

async function run(argv: readonly string[], env: Readonly<Record<string, string>>) {
  const home = { PATH: process.env['PATH'] ?? '', HOME: folder };
  return await runCommand(argv, { cwd: folder, env: { ...home, ...env }, timeoutMs: 60_000 });
}
const ward = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  run([process.execPath, launcher, 'image', ...args], {
    WARD_DATA: join(folder, 'data'),
    WARD_APIHOST: registry.url,
    WARD_AUTH: guestKey,
    WARD_KEY_PASSPHRASE: 'open sesame',
    ...env,
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-sign-'));
  registry = await startRegistry();
  const layout = join(folder, 'layout');
  const layers = [await tarOf([{ name: 'app', content: 'hello' }])];
  const entry = await writeTestImage(layout, { tag: 'v1', layers });
  digest = parseDigest(entry.digest);
  const client = createRegistryClient({
    url: registry.url,
    repository: 'guest/app',
    auth: guestKey,
    insecure: false,
  });
  const { manifest } = await readImage(layout, entry);
  for (const blob of [manifest.config, ...manifest.layers]) {
    const bytes = await readFile(blobPath(layout, blob.digest));
    await client.putBlob(blob.digest, bytes.length, () => bytes);
  }
  await client.putManifest('v1', entry.mediaType, await readFile(blobPath(layout, entry.digest)));
  for (const name of ['release.key', 'other.key'])
    expect(await ward(['keygen', name])).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test('keys: the private one is encrypted and only its owner can read it, and neither is ever overwritten', async () => {
  expect((await stat(join(folder, 'release.key'))).mode & 0o777).toBe(0o600);
  expect(await readFile(join(folder, 'release.key'), 'utf8')).toMatch(
    /^-----BEGIN ENCRYPTED PRIVATE KEY-----/,
  );
  expect(await ward(['keygen', 'release.key'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('it exists'),
  });
  expect(await ward(['keygen', 'empty.key'], { WARD_KEY_PASSPHRASE: '' })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('error[KEY_INVALID]'),
  });
  const locked = await ward(['sign', 'oci:layout:v1', '--key', 'release.key'], {
    WARD_KEY_PASSPHRASE: 'wrong',
  });
  expect(locked).toMatchObject({ code: 3, stderr: expect.stringContaining('error[KEY_LOCKED]') });
});

describe.each([
  ['a folder', 'oci:layout:v1'],
  ['the registry', 'guest/app:v1'],
])('in %s', (_, image) => {
  test('an image is unsigned until it is signed, and then only with that key', async () => {
    expect((await ward(['verify', image, '--key', 'release.key.pub'])).code).toBe(3);
    const signed = await ward(['sign', image, '--key', 'release.key', '-o', 'json']);
    expect(signed).toMatchObject({ code: 0 });
    expect(JSON.parse(signed.stdout)).toMatchObject({ digest, isNew: true });
    const verified = await ward(['verify', image, '--key', 'release.key.pub', '-o', 'json']);
    expect(verified.code).toBe(0);
    expect(JSON.parse(verified.stdout)).toMatchObject({
      digest,
      verified: [{ annotations: {} }],
      rejected: [],
    });
    const other = await ward(['verify', image, '--key', 'other.key.pub']);
    expect(other).toMatchObject({ code: 3, stdout: expect.stringContaining('none of the keys made it') });
  });

  test('a second key’s signature is added to the first, with its annotations', async () => {
    const more = ['--key', 'other.key', '-a', 'stage', 'production'];
    expect((await ward(['sign', image, ...more])).stderr).toContain('ok: signed');
    expect((await ward(['sign', image, ...more])).stderr).toContain('already has this signature');
    const both = ['verify', image, '--key', 'release.key.pub', '--key', 'other.key.pub', '-o', 'json'];
    expect(JSON.parse((await ward(both)).stdout).verified).toHaveLength(2);
    const asked = await ward([...both, '-a', 'stage', 'production']);
    expect(JSON.parse(asked.stdout).verified).toMatchObject([{ annotations: { stage: 'production' } }]);
    expect((await ward([...both, '-a', 'stage', 'test'])).code).toBe(3);
  });
});

test('a signed layout is still one image when no tag is given', async () => {
  const { code, stdout } = await ward(['scan', 'oci:layout', '-o', 'json']);
  expect(code).toBeLessThan(2);
  expect(JSON.parse(stdout).target.digest).toBe(digest);
});

describe('bundles of sigstore', () => {
  const sign = ['sign', 'guest/bundled:v1', '--key', 'release.key'];
  let client: ReturnType<typeof createRegistryClient>;
  let subject: Parameters<typeof signatureBundle>[0];

  const attach = async ({ blobs, manifest }: Artifact) => {
    for (const { digest: of, content } of blobs) await client.putBlob(of, content.length, () => content);
    await client.putManifest(manifest.digest, manifest.mediaType, manifest.content);
  };

  beforeAll(async () => {
    const { digest: pushed, bytes, mediaType } = await registry.pushImage('guest/bundled', 'v1');
    subject = { digest: parseDigest(pushed), mediaType, size: bytes.length };
    client = createRegistryClient({
      url: registry.url,
      repository: 'guest/bundled',
      auth: guestKey,
      insecure: false,
    });
  });

  test('are verified, and Ward adds one where others exist, because cosign 3 then reads nothing else', async () => {
    expect((await ward(sign)).code).toBe(0);
    expect(await client.referrers(subject.digest, bundleMediaType)).toEqual([]);
    const pair = generateKeyPair('x');
    await writeFile(join(folder, 'theirs.pub'), pair.publicKey);
    const theirs = readSigningKey(pair.privateKey, 'x');
    const signed = { name: 'app', annotations: { stage: 'production' } };
    await attach(signatureBundle(subject, signed, theirs, '2026-01-01T00:00:00Z'));
    const verify = ['verify', 'guest/bundled:v1', '--key', 'theirs.pub', '-o', 'json'];
    expect(JSON.parse((await ward(verify)).stdout).verified).toMatchObject([
      { keyId: theirs.id, annotations: { stage: 'production' } },
    ]);
    expect((await ward([...verify, '-a', 'stage', 'test'])).code).toBe(3);
    expect((await ward(sign)).stderr).toContain('ok: signed');
    expect((await ward(sign)).stderr).toContain('already has this signature');
    expect(await client.referrers(subject.digest, bundleMediaType)).toHaveLength(2);
    const both = await ward(['verify', 'guest/bundled:v1', '--key', 'release.key.pub', '-o', 'json']);
    expect(JSON.parse(both.stdout).verified).toHaveLength(2);
  });

  test.skipIf(!hasOpenssl)('without a key are verified by a trusted root and an identity', async () => {
    await using sigstore = await startSigstore();
    const { digest: of } = subject;
    const bundle = await sigstore.sign({ digest: of, predicateType: predicateTypes.signature });
    const content = JSON.stringify(bundle);
    const createdAt = '2026-01-01T00:00:00Z';
    await attach(referrerManifest({ subject, artifactType: bundleMediaType, content, createdAt }));
    await writeFile(join(folder, 'trusted_root.json'), sigstore.trustedRoot);
    const verify = (...more: readonly string[]) =>
      ward(['verify', 'guest/bundled:v1', '--trusted-root', 'trusted_root.json', ...more]);
    const found = await verify('--issuer', issuer, '--subject', 'https://github.com/acme/app/*');
    expect(found).toMatchObject({ code: 0, stdout: expect.stringContaining('https://github.com/acme/app/') });
    const other = await verify('--issuer', issuer, '--subject', 'https://github.com/acme/other/*');
    expect(other).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('it is by https://github.com/acme/app/'),
    });
    expect((await verify('--issuer', 'https://evil.example', '--subject', '*')).code).toBe(3);
    expect(await verify()).toMatchObject({ code: 2, stderr: expect.stringContaining('belong together') });
  });
});

test.each([
  ['that is not there', ['guest/none:v1'], {}],
  ['of another namespace', ['guest/app:v1'], { WARD_AUTH: otherKey }],
])('an image %s is not signed', async (_, args, env) => {
  const { code, stderr } = await ward(['sign', ...args, '--key', 'release.key'], env);
  expect(code).toBeGreaterThan(1);
  expect(stderr).toMatch(/^error\[/);
});

describe.skipIf(!hasCosign)('cosign', () => {
  const cosign = (...args: readonly string[]) =>
    run(['cosign', ...args], { COSIGN_PASSWORD: 'theirs', DOCKER_CONFIG: folder });

  test('verifies Ward’s signatures in its registry, and Ward verifies cosign’s', async () => {
    const host = registry.url.replace('http://', '');
    const reference = `${host}/guest/app@${digest}`;
    const login = [
      '--registry-username',
      guestKey.split(':')[0] ?? '',
      '--registry-password',
      guestKey.split(':')[1] ?? '',
    ];
    const checked = await cosign(
      'verify',
      ...[
        '--key',
        'release.key.pub',
        '--insecure-ignore-tlog=true',
        '--allow-http-registry',
        ...login,
        reference,
      ],
    );
    expect(checked).toMatchObject({ code: 0 });
    expect(await cosign('generate-key-pair')).toMatchObject({ code: 0 });
    const signing = [
      '--key',
      'cosign.key',
      '--tlog-upload=false',
      '--allow-http-registry',
      '--yes',
      ...login,
    ];
    expect(await cosign('sign', ...signing, reference)).toMatchObject({ code: 0 });
    expect((await ward(['verify', `guest/app@${digest}`, '--key', 'cosign.pub'])).code).toBe(0);
    expect((await ward(['verify', 'guest/app:v1', '--key', 'release.key.pub'])).code).toBe(0);
  });
});
