import { existsSync } from 'node:fs';
import { chmod, chown, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { digestOf, openBlobStore } from '../../blobs/index.ts';
import { parsePolicy } from '../../gate/index.ts';
import { manifestMediaType, tagManifest } from '../../images/index.ts';
import { actAs } from '../../lib/index.ts';
import { testPolicy, waiverAdmin } from '../admin/gate.ts';
import { signInLayout } from '../image-build/trust.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import {
  createSigner,
  type Files,
  type GateFolder,
  imageOf,
  imageWith,
  lodash,
  lodashAdvisory,
  openPlace,
  type PackedLayer,
  tarOf,
} from './guarded.fixture.ts';

const signer = createSigner();
const lenient = 'rules: { bases: { action: allow } }';
const deadline = { timeout: 60_000, interval: 20 };
let place: GateFolder;
let count = 0;
/** Each test has its own repository. */
let app: string;

beforeAll(async () => {
  place = await openPlace();
  await place.advisories(lodashAdvisory);
  await vi.waitFor(async () => expect((await place.audit()).at(-1)?.event).toBe('advisories'), deadline);
});
afterAll(() => place[Symbol.asyncDispose]());
beforeEach(async () => {
  app = `guest/app-${++count}`;
  await policyInForce(lenient);
});

async function policyInForce(text: string): Promise<void> {
  await place.policy(text);
  const { revision } = parsePolicy(`form: 1\n${text}`);
  const isLast = async () =>
    (await place.audit()).findLast(({ event }) => event === 'policy')?.policyRevision === revision;
  await vi.waitFor(async () => expect(await isLast()).toBe(true), deadline);
}

async function referrersOf(digest: string): Promise<readonly { readonly artifactType: string }[]> {
  const answer = await place.call('GET', `/v2/${app}/referrers/${digest}`);
  const { manifests } = JSON.parse(await answer.text());
  return manifests;
}

const deploy = (image: string) =>
  place.guarded.codeGate.admitImage({ namespace: 'guest', actor: 'key 1', action: 'guest/a', image });

describe('a draft of the policy', () => {
  const path = () => gatePaths(place.dataDir).policy;
  const strict = 'form: 1\nrules: { bases: { action: allow }, vulnerabilities: { limits: { low: 0 } } }\n';

  it('is tried on all reports without changing anything, and says by which rule each verdict changes', async () => {
    const { policy } = place.guarded;
    const image = await imageWith(lodash('4.17.20'), { [app]: '' });
    expect((await place.push(app, 'v1', image)).status).toBe(403);
    const before = await place.audit();
    const ruleOf = (outcome: string) =>
      expect.objectContaining({ rule: 'vulnerabilities.limits.high', outcome });
    const open = 'form: 1\nrules: { bases: { action: allow }, vulnerabilities: { action: warn } }\n';
    const found = await policy.preview({ text: open });
    expect(found).toMatchObject({ denied: 0, admitted: expect.any(Number), next: null, problems: [] });
    const { changes } = found as { readonly changes: readonly { readonly digest: string }[] };
    expect(changes.filter(({ digest }) => digest === image.digest)).toMatchObject([
      {
        ...{ stage: 'push', namespace: 'guest' },
        before: { outcome: 'deny', rules: expect.arrayContaining([ruleOf('deny')]) },
        after: { outcome: 'warn', rules: expect.arrayContaining([ruleOf('warn')]) },
      },
    ]);
    expect(await place.audit()).toEqual(before);
    expect((await place.push(app, 'v1', image)).status).toBe(403);
    const wrong = 'form: 1\nrules: { malwar: deny }\n';
    expect(await policy.preview({ text: wrong })).toMatchObject({
      ...{ revision: null, judged: 0, problems: [{ line: 2, path: 'rules.malwar' }] },
    });
    await expect(policy.save({ text: wrong, before: null })).rejects.toMatchObject({
      code: 'POLICY_INVALID',
    });
  });

  it('replaces the file that was read, keeps its mode, and no one else’s change is lost', async () => {
    const { policy } = place.guarded;
    const { digest } = (await policy.read()) as { readonly digest: string };
    await chmod(path(), 0o646);
    const saved = await actAs({ who: 'operator by console', from: '::1', request: 'r1' }, () =>
      policy.save({ text: strict, before: digest }),
    );
    expect([await readFile(path(), 'utf8'), (await stat(path())).mode & 0o777]).toEqual([strict, 0o646]);
    const { revision } = parsePolicy(strict);
    expect(saved).toEqual({ revision, digest: digestOf(Buffer.from(strict)) });
    expect(await policy.read()).toMatchObject({ text: strict, revision, readOnly: null });
    const entries = await place.audit();
    expect(entries.findLast(({ event }) => event === 'set-policy')).toMatchObject({
      ...{ actor: 'operator by console', from: '::1', request: 'r1', policyRevision: revision },
      ...{ before: digest, after: digestOf(Buffer.from(strict)) },
    });
    const late = policy.save({ text: 'form: 1\n', before: digest });
    await expect(late).rejects.toMatchObject({ code: 'POLICY_CHANGED' });
    expect(await readFile(path(), 'utf8')).toBe(strict);
  });

  it('does not replace a file that is managed elsewhere', async () => {
    const { policy } = place.guarded;
    const { digest: before } = (await policy.read()) as { readonly digest: string };
    const attempt = () => policy.save({ text: strict, before });
    const refused = { code: 'POLICY_READ_ONLY' };
    await chmod(path(), 0o444);
    await expect(attempt()).rejects.toMatchObject(refused);
    await chmod(path(), 0o644);
    if (process.geteuid?.() === 0) {
      await chown(path(), 65_534, 0);
      await expect(attempt()).rejects.toMatchObject(refused);
      await chown(path(), 0, 0);
    }
    await rename(path(), `${path()}.real`);
    await symlink(`${path()}.real`, path());
    await expect(attempt()).rejects.toMatchObject(refused);
    await rename(`${path()}.real`, path());
  });
});

describe('a push', () => {
  it('has its layers scanned while it continues', async () => {
    const { layers } = gatePaths(place.dataDir);
    const kept = async () =>
      existsSync(layers)
        ? (await readdir(layers, { recursive: true })).filter((name) => name.endsWith('.zst'))
        : [];
    const before = await kept();
    const { blobs } = await imageWith({ run: `#!/bin/sh\n# ${app}\n` });
    for (const blob of blobs) await place.pushBlob(app, blob);
    await vi.waitFor(async () => expect(await kept()).toHaveLength(before.length + 1), deadline);
  });

  it('that is accepted gets one SBOM and one scan report as referrers', async () => {
    const image = await imageWith(lodash('4.17.21'));
    expect((await place.push(app, 'v1', image)).status).toBe(201);
    const types = async () =>
      (await referrersOf(image.digest)).map(({ artifactType }) => artifactType).sort();
    const both = ['application/vnd.cyclonedx+json', 'application/vnd.dsse.envelope.v1+json'];
    const first = await types();
    expect(first).toEqual([both[0], expect.any(String)]);
    expect((await place.push(app, 'v2', image)).status).toBe(201);
    expect(await types()).toEqual(first);
  });

  it('gets a warning when the advisories are old, and none when there is nothing to report', async () => {
    const image = await imageWith({ ...lodash('4.17.21'), [app]: '' });
    const { headers } = await place.push(app, 'v1', image);
    expect(headers.get('warning')).toMatch(
      /^299 - "allowed by policy with warnings: .*", 299 - "the advisories are from [\d-]{10}.*: the operator gets them with ward advisories update"$/,
    );
    await policyInForce(
      'rules: { bases: { action: allow }, advisories: { stale: allow }, misconfiguration: { action: allow }, distribution: { unknown: allow } }',
    );
    expect((await place.push(app, 'v2', image)).headers.get('warning')).toBeNull();
  });

  it('that is refused is not available by digest either, and has no referrers', async () => {
    const image = await imageWith(lodash('4.17.20'), { [app]: '' });
    const answer = await place.push(app, 'v1', image);
    expect(answer.status).toBe(403);
    const { errors } = JSON.parse(await answer.text());
    expect(errors).toMatchObject([
      {
        code: 'DENIED',
        message: expect.stringMatching(
          /^denied by policy \(vulnerabilities[.a-z]*\): 1 high.*CVE-2021-23337.*4\.17\.21/,
        ),
      },
    ]);
    for (const reference of ['v1', image.digest]) {
      expect((await place.call('GET', `/v2/${app}/manifests/${reference}`)).status).toBe(404);
    }
    expect(await referrersOf(image.digest)).toEqual([]);
  });
});

async function waiveInAnotherProcess(asked: object) {
  await using admin = await waiverAdmin({ dataDir: place.dataDir });
  return await admin.create(asked);
}

describe('a waiver', () => {
  it('lets a finding pass from its making to its end, also after a restart, and is in the audit log', async () => {
    const { digest, ...image } = await imageWith(lodash('4.17.20'), { [app]: '' });
    const push = () => place.push(app, 'v1', { digest, ...image });
    expect((await push()).status).toBe(403);
    const expires = new Date().toISOString().slice(0, 10);
    const asked = { finding: 'CVE-2021-23337', reason: 'no templates', expires };
    const { waivers } = place.guarded;
    const ada = { who: 'operator 1000 ada', from: 'local' };
    const elsewhere = await waivers.add({ ...asked, namespace: 'production' });
    expect((await push()).status).toBe(403);
    const before = place.guarded.revisions().policy;
    const { id } = await actAs(ada, () => waiveInAnotherProcess({ ...asked, namespace: 'guest' }));
    await vi.waitFor(() => expect(place.guarded.revisions().policy).not.toBe(before), deadline);
    expect((await push()).status).toBe(201);
    const inFile = { ...elsewhere, id: '0'.repeat(16), by: 'who typed this' };
    const file = gatePaths(place.dataDir).waivers;
    await writeFile(file, JSON.stringify({ form: 1, waivers: [inFile] }));
    await place.restart();
    expect([existsSync(file), await place.guarded.waivers.list()]).toEqual([
      false,
      [inFile, elsewhere, expect.objectContaining({ id })],
    ]);
    await place.guarded.waivers.remove(inFile.id);
    expect(await place.mayRun(`${app}:v1`)).toMatchObject({ outcome: 'warn' });
    const verdicts = await place.guarded.reports.verdicts(digest, 'guest');
    expect(verdicts).toMatchObject([
      { ignored: [{ id: 'CVE-2021-23337', reason: 'no templates', by: ada.who, expires }] },
      {},
    ]);
    expect(await place.guarded.waivers.remove(id)).toBe(true);
    expect(await place.guarded.waivers.remove(id)).toBe(false);
    expect((await push()).status).toBe(403);
    expect(await place.guarded.waivers.list()).toEqual([elsewhere]);
    await place.guarded.waivers.remove(elsewhere.id);
    const entries = (await place.audit()).filter(({ event }) => event.endsWith('-waiver'));
    expect(entries.map(({ event, namespace }) => `${event} ${namespace}`)).toEqual([
      'create-waiver production',
      'create-waiver guest',
      'delete-waiver production',
      'delete-waiver guest',
      'delete-waiver production',
    ]);
    expect(entries[1]?.after).toBe(entries[3]?.before);
  });
});

describe('an image whose layers are unreadable', () => {
  const gzip = 'application/vnd.oci.image.layer.v1.tar+gzip';
  const plain = (content: string) => tarOf({ [`a/${app}`]: content });

  it.each<[string, string, () => Promise<PackedLayer>]>([
    [
      'that are not what its configuration says',
      gzip,
      async () => ({ bytes: gzipSync(await plain('seen')), diffId: digestOf(await plain('said')) }),
    ],
    [
      'that end too early',
      gzip,
      async () => {
        const tar = await plain('x'.repeat(10_000));
        return { bytes: gzipSync(tar).subarray(0, -20), diffId: digestOf(tar) };
      },
    ],
    [
      'that are not an archive',
      gzip,
      async () => {
        const bytes = Buffer.from(`words of ${app}`);
        return { bytes, diffId: digestOf(bytes) };
      },
    ],
    ['with files outside the root', gzip, async () => packed(await tarOf({ '../../etc/passwd': app }))],
    [
      'with links out of the root',
      gzip,
      async () => packed(await tarOf({ a: app }, { shadow: '../../../etc/shadow' })),
    ],
    [
      'with an entry longer than the archive',
      gzip,
      async () => packed((await plain('x'.repeat(5000))).subarray(0, 1024)),
    ],
    ['that are a decompression bomb', gzip, async () => packed(await plain('x'.repeat(100_000_000)))],
  ])('%s is refused, and no one can pull it', async (_what, type, layerOf) => {
    const image = imageOf([await layerOf()], type);
    const answer = await place.push(app, 'v1', image);
    expect(answer.status).toBe(403);
    expect(JSON.parse(await answer.text()).errors).toMatchObject([{ code: 'DENIED' }]);
    for (const reference of ['v1', image.digest]) {
      expect((await place.call('GET', `/v2/${app}/manifests/${reference}`)).status).toBe(404);
    }
  });

  const packed = (tar: Buffer): PackedLayer => ({ bytes: gzipSync(tar), diffId: digestOf(tar) });
});

describe('a call of an image', () => {
  it('is judged before it is allowed, also after a restart', async () => {
    const signed = await imageWith({ signed: app });
    const unsigned = await imageWith({ unsigned: app });
    await place.push(app, 'signed', signed);
    await place.push(app, 'unsigned', unsigned);
    await place.attach(app, signer.signatureOf(signed));
    for (const tag of ['signed', 'unsigned'])
      expect((await deploy(`${app}:${tag}`)).outcome).not.toBe('deny');
    await place.policy(
      `${signer.policyKey}\noverrides: [{ stages: [run], rules: { signatures: { action: deny, keys: [release] } } }]`,
    );
    await place.restart();
    expect(await place.mayRun(`${app}:unsigned`)).toMatchObject({ outcome: 'deny' });
    expect((await place.mayRun(`${app}:signed`)).outcome).not.toBe('deny');
    await place.restart();
    expect((await place.mayRun(`${app}:signed`)).outcome).not.toBe('deny');
    expect(await place.mayRun(`${app}:unsigned`)).toMatchObject({
      outcome: 'deny',
      summary: expect.stringContaining('0 of 1 required signatures'),
    });
    await place.attach(app, signer.signatureOf(unsigned));
    expect((await place.mayRun(`${app}:unsigned`)).outcome).not.toBe('deny');
  });

  it('names the image that was judged by its digest, which stays when the tag moves', async () => {
    const first = await imageWith({ first: app });
    await place.push(app, 'v1', first);
    const verdict = await place.mayRun(`${app}:v1`);
    expect(verdict).toMatchObject({ image: `${app}@${first.digest}` });
    const second = await imageWith({ second: app });
    await place.push(app, 'v1', second);
    expect(await place.mayRun(`${app}:v1`)).toMatchObject({ image: `${app}@${second.digest}` });
    expect(await place.mayRun(`${app}@${first.digest}`)).toEqual(verdict);
  });

  it('is denied at once when its signature is deleted or its signature’s tag moves', async () => {
    await policyInForce(
      `${signer.policyKey}\noverrides: [{ stages: [run], rules: { signatures: { action: deny, keys: [release] } } }]`,
    );
    const image = await imageWith({ signed: app });
    const other = await imageWith({ other: app });
    await place.push(app, 'v1', image);
    const signature = signer.signatureOf(image);
    const outcome = async () => (await place.mayRun(`${app}:v1`)).outcome;
    const sign = async () => {
      await place.attach(app, signature);
      expect(await outcome()).not.toBe('deny');
    };
    for (const reference of [signature.tag, signature.manifest.digest]) {
      await sign();
      expect((await place.call('DELETE', `/v2/${app}/manifests/${reference}`)).status).toBe(202);
      expect(await outcome()).toBe('deny');
    }
    await sign();
    expect((await place.push(app, String(signature.tag), other)).status).toBe(201);
    expect(await outcome()).toBe('deny');
    await sign();
    expect((await place.push(app, `${other.digest}?tag=${signature.tag}`, other)).status).toBe(201);
    expect(await outcome()).toBe('deny');
  });

  it('is refused at once when it is deleted', async () => {
    const image = await imageWith({ there: app });
    await place.push(app, 'v1', image);
    expect((await place.mayRun(`${app}:v1`)).outcome).not.toBe('deny');
    expect((await place.call('DELETE', `/v2/${app}/manifests/${image.digest}`)).status).toBe(202);
    expect((await place.mayRun(`${app}:v1`)).outcome).toBe('absent');
  });

  it('is judged by what its tag names now', async () => {
    const rules = 'secrets: { action: allow, ids: { private-key: allow } }';
    await policyInForce(
      `rules: { ${rules} }\noverrides: [{ stages: [run], rules: { malware: { action: deny } } }]`,
    );
    const good = await imageWith({ good: app });
    await place.push(app, 'v1', good);
    expect((await place.mayRun(`${app}:v1`)).outcome).not.toBe('deny');
    await policyInForce(
      'overrides: [{ stages: [push], rules: { vulnerabilities: { action: allow } } },' +
        ' { stages: [run], rules: { vulnerabilities: { action: deny } } }]',
    );
    expect((await place.push(app, 'v1', await imageWith(lodash('4.17.20'), { [app]: '' }))).status).toBe(201);
    expect(await place.mayRun(`${app}:v1`)).toMatchObject({ outcome: 'deny' });
    await place.push(app, 'v1', good);
    expect((await place.mayRun(`${app}:v1`)).outcome).not.toBe('deny');
  });

  it('that is missing or of another namespace can be deployed unless the policy denies it, but never runs', async () => {
    const others = app.replace('guest/', 'other/');
    const names = [
      `${app}:v1`,
      `${others}:v1`,
      'nowhere',
      'docker.io/library/alpine:3',
      'oci:/etc',
      'rootfs:/',
    ];
    for (const name of names) {
      const absent = { outcome: 'absent', summary: expect.stringContaining(`no image ${name} here`) };
      expect(await deploy(name), name).toMatchObject(absent);
      expect(await place.mayRun(name), name).toMatchObject(absent);
    }
    await policyInForce(`overrides: [{ namespaces: [guest], rules: { absentImage: deny } }]`);
    for (const name of names) {
      expect(await deploy(name), name).toMatchObject({ outcome: 'deny' });
      expect(await place.mayRun(name), name).toMatchObject({ outcome: 'absent' });
    }
    await policyInForce(lenient);
    await place.push(app, 'v1', await imageWith({ there: app }));
    expect((await place.mayRun(`${app}:v1`)).outcome).not.toBe('absent');
  });

  it('that was never scanned is scanned first', async () => {
    const entry = await layImage('laid', lodash('4.17.20'));
    await policyInForce('overrides: [{ stages: [run], rules: { vulnerabilities: { action: deny } } }]');
    expect(await place.mayRun('laid')).toMatchObject({
      outcome: 'deny',
      summary: expect.stringContaining('CVE-2021-23337'),
    });
    expect(await place.audit()).toContainEqual(
      expect.objectContaining({ actor: 'gate', stage: 'push', digest: entry.digest }),
    );
  });
});

describe('a change', () => {
  it('of the policy, advisories or VEX is in the audit log, even if no Ward was running', async () => {
    await policyInForce('rules: { vulnerabilities: { action: warn }, gaps: warn }');
    await place.push(app, 'v1', await imageWith(lodash('4.17.20'), { [app]: '' }));
    expect((await deploy(`${app}:v1`)).outcome).toBe('warn');
    await policyInForce('overrides: [{ stages: [run], rules: { vulnerabilities: { action: deny } } }]');
    expect((await place.mayRun(`${app}:v1`)).outcome).toBe('deny');
    await place.vex('lodash.json', {
      '@context': 'https://openvex.dev/ns/v0.2.0',
      author: 'Ada',
      timestamp: '2026-01-01T00:00:00Z',
      statements: [
        {
          vulnerability: { name: 'CVE-2021-23337' },
          products: [{ '@id': 'pkg:npm/lodash' }],
          status: 'not_affected',
          justification: 'component_not_present',
        },
      ],
    });
    await vi.waitFor(
      async () => expect((await place.audit()).map(({ event }) => event)).toContain('vex'),
      deadline,
    );
    await vi.waitFor(
      async () => expect((await place.mayRun(`${app}:v1`)).outcome).not.toBe('deny'),
      deadline,
    );
    await place.stop();
    const before = (await place.audit()).length;
    await place.policy('rules: { gaps: deny, malware: { action: warn } }');
    await place.start();
    await vi.waitFor(
      async () => expect((await place.audit()).slice(before).map(({ event }) => event)).toContain('policy'),
      deadline,
    );
  });
});

describe('a test of a policy', () => {
  it('knows signatures while the registry is open', async () => {
    const signed = await imageWith({ tested: app });
    await place.push(app, 'signed', signed);
    await place.push(app, 'unsigned', await imageWith({ unsigned: app }));
    await place.attach(app, signer.signatureOf(signed));
    const policy = `form: 1\n${signer.policyKey}\nrules: { signatures: { action: deny, keys: [release] } }`;
    const { changes } = await testPolicy({ dataDir: place.dataDir, policy, against: 'form: 1' });
    const ours = changes.filter(({ name }) => name.startsWith(`${app}:`));
    expect(ours.map(({ name, after }) => [name, after.outcome])).toEqual([[`${app}:unsigned`, 'deny']]);
  });
});

describe('trusted bases', () => {
  const base = { 'usr/bin/thing': 'a base' };
  const strict = (rules: string) =>
    policyInForce(`${signer.policyKey}\nrules: { bases: { action: deny, ${rules} } }`);

  it('are only those that a digest names or a key signed', async () => {
    const below = await imageWith(base);
    const above = await imageWith(base, { [`fn/${app}`]: '' });
    await place.push(app, 'base', below);
    await strict('ward: true');
    expect((await place.push(app, 'v1', above)).status).toBe(403);
    await strict(`digests: ['${below.digest}']`);
    expect((await place.push(app, 'v1', above)).status).toBe(201);
    await strict('keys: [release]');
    expect((await place.push(app, 'v2', above)).status).toBe(403);
    await place.attach(app, signer.signatureOf(below));
    await vi.waitFor(async () => expect((await place.push(app, 'v2', above)).status).toBe(201), deadline);
  });

  it('of Ward are only images that it built, by name in its store', async () => {
    await layImage('nodejs:24', { 'usr/bin/node': `Ward’s ${app}` });
    const theirs = await layImage('somebody', { 'usr/bin/node': `somebody’s ${app}` });
    await strict('ward: true');
    const onOurs = await imageWith({ 'usr/bin/node': `Ward’s ${app}` }, { fn: '' });
    const onTheirs = await imageWith({ 'usr/bin/node': `somebody’s ${app}` }, { fn: '' });
    expect((await place.push(app, 'ours', onOurs)).status).toBe(201);
    expect((await place.push(app, 'theirs', onTheirs)).status).toBe(403);
    await strict('ward: false, keys: [release]');
    expect((await place.push(app, 'theirs', onTheirs)).status).toBe(403);
    await signInLayout(place.imagesDir, 'somebody:latest', theirs.digest, signer.key);
    expect((await place.push(app, 'theirs', onTheirs)).status).toBe(201);
  });
});

/** Adds an image to Ward's own store. */
async function layImage(tag: string, ...layers: readonly Files[]) {
  const image = await imageWith(...layers);
  const blobs = openBlobStore(place.imagesDir);
  for (const blob of [...image.blobs, image.manifest]) await blobs.put(blob);
  const entry = { mediaType: manifestMediaType, digest: image.digest, size: image.manifest.length };
  await tagManifest(place.imagesDir, entry, [tag.includes(':') ? tag : `${tag}:latest`]);
  return entry;
}
