/** The registry with real clients: Debian's skopeo, buildah, podman, cosign and umoci. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarOf, writeTestImage } from '../src/images/images.fixture.ts';
import { Fault, runCommand } from '../src/lib/index.ts';
import { guestKey, otherKey, startRegistry, type TestRegistry } from '../src/registry/registry.fixture.ts';

const isInstalled = async (...argv: readonly string[]) =>
  (await runCommand(argv).catch(() => undefined))?.code === 0;
const has = {
  skopeo: await isInstalled('skopeo', '--version'),
  buildah: process.getuid?.() === 0 && (await isInstalled('buildah', '--version')),
  podman: process.getuid?.() === 0 && (await isInstalled('podman', '--version')),
  cosign: await isInstalled('cosign', 'version'),
  umoci: await isInstalled('umoci', '--version'),
};
for (const [name, isThere] of Object.entries(has)) {
  if (!isThere) console.warn(`tests with ${name} are skipped: it is not installed, or takes root`);
}

let registry: TestRegistry;
let host: string;
let folder: string;
const refusal = 'refused by policy: 3 critical: CVE-2026-0001, CVE-2026-0002 and 1 more';

beforeAll(async () => {
  registry = await startRegistry({
    gate: {
      uploadBegun() {},
      blobArrived() {},
      manifestAccepted: async () => {},
      manifestDeleted: async () => {},
      async manifestArrived({ repository }) {
        if (repository === 'guest/refused') throw new Fault('GATE_DENIED', 'denied', refusal);
      },
    },
  });
  host = registry.url.replace('http://', '');
  folder = await mkdtemp(join(tmpdir(), 'ward-clients-'));
  await writeTestImage(join(folder, 'layout'), {
    tag: 'v1',
    layers: [
      await tarOf([
        { name: 'app/', type: 'directory' },
        { name: 'app/run', mode: 0o755, content: '#!/bin/sh\n' },
      ]),
      await tarOf([{ name: 'app/data', content: 'x'.repeat(100_000) }]),
    ],
  });
  await writeFile(
    join(folder, 'config.json'),
    JSON.stringify({ auths: { [host]: { auth: Buffer.from(guestKey).toString('base64') } } }),
  );
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Its stdout. Throws an error with its stderr when it failed. */
async function run(...argv: readonly string[]): Promise<string> {
  const env = {
    ...process.env,
    DOCKER_CONFIG: folder,
    REGISTRY_AUTH_FILE: join(folder, 'config.json'),
    COSIGN_PASSWORD: '',
    BUILDAH_ISOLATION: 'chroot',
  };
  const { code, stdout, stderr } = await runCommand(argv, { cwd: folder, env, timeoutMs: 60_000 });
  if (code !== 0) throw new Error(`${argv.join(' ')}: exit ${code}: ${stderr}${stdout}`);
  return stdout;
}

const skopeo = (verb: string, ...rest: readonly string[]) =>
  run('skopeo', '--insecure-policy', verb, ...rest);
const push = (to: string, ...options: readonly string[]) =>
  skopeo('copy', '--dest-tls-verify=false', ...options, 'oci:layout:v1', `docker://${host}/${to}`);
const pull = (from: string, to: string, ...options: readonly string[]) =>
  skopeo('copy', '--src-tls-verify=false', ...options, `docker://${host}/${from}`, to);

describe.skipIf(!has.skopeo)('skopeo', () => {
  it('pushes an image, and gets it back byte for byte', async () => {
    await push('guest/app:v1');
    await pull('guest/app:v1', 'oci:pulled:v1');
    const blobs = (layout: string) => readdir(join(folder, layout, 'blobs/sha256'));
    expect((await blobs('pulled')).sort()).toEqual((await blobs('layout')).sort());
    const [inspected] = [
      JSON.parse(await skopeo('inspect', '--tls-verify=false', `docker://${host}/guest/app:v1`)),
    ];
    expect(inspected).toMatchObject({
      Name: `${host}/guest/app`,
      RepoTags: ['v1'],
      Labels: { colour: 'green' },
    });
  });

  it('pushes it in Docker’s format, and as one of several', async () => {
    await push('guest/docker:v1', '--format', 'v2s2');
    const raw = await skopeo('inspect', '--raw', '--tls-verify=false', `docker://${host}/guest/docker:v1`);
    expect(JSON.parse(raw).mediaType).toBe('application/vnd.docker.distribution.manifest.v2+json');
    await pull('guest/docker:v1', 'dir:docker');
    expect(await readFile(join(folder, 'docker/manifest.json'), 'utf8')).toBe(raw);
  });

  it('copies from one repository to another without sending blobs again', async () => {
    await push('guest/from:v1');
    const from = `docker://${host}/guest/from:v1`;
    const flags = ['--src-tls-verify=false', '--dest-tls-verify=false'];
    await skopeo('copy', ...flags, from, `docker://${host}/guest/to:v1`);
    await pull('guest/to:v1', 'dir:copied');
    const { layers } = JSON.parse(await readFile(join(folder, 'copied/manifest.json'), 'utf8'));
    expect(layers).toHaveLength(2);
  });

  it('lists tags and deletes', async () => {
    for (const tag of ['a', 'b']) await push(`guest/tags:${tag}`);
    const list = async () =>
      JSON.parse(await skopeo('list-tags', '--tls-verify=false', `docker://${host}/guest/tags`)).Tags;
    expect(await list()).toEqual(['a', 'b']);
    await skopeo('delete', '--tls-verify=false', `docker://${host}/guest/tags:a`);
    await expect(list()).rejects.toThrow(/no repository|name unknown/i);
  });

  it('gets an error when the key is wrong, or of another namespace', async () => {
    await expect(push('guest/app:v2', '--dest-creds', 'guest-id:wrong')).rejects.toThrow(
      /no such key|unauthorized/,
    );
    await expect(push('other/app:v1')).rejects.toThrow(/denied: may not push other\/app/);
    await push('other/app:v1', '--dest-creds', otherKey);
    await expect(pull('other/app:v1', 'dir:stolen')).rejects.toThrow(/may not pull other\/app/);
  });

  it('prints why the gate refuses an image, which can’t be pulled then', async () => {
    await expect(push('guest/refused:v1')).rejects.toThrow(`denied: ${refusal}`);
    await expect(pull('guest/refused:v1', 'dir:refused')).rejects.toThrow(/manifest unknown|no manifest/i);
    const { manifests } = JSON.parse(await readFile(join(folder, 'layout/index.json'), 'utf8'));
    await expect(pull(`guest/refused@${manifests[0].digest}`, 'dir:refused')).rejects.toThrow(/no manifest/i);
  });
});

describe.skipIf(!(has.skopeo && has.umoci))('umoci', () => {
  it('makes an image that is pushed, pulled and unpacked', async () => {
    await run('umoci', 'init', '--layout', 'made');
    await run('umoci', 'new', '--image', 'made:v1');
    await run('umoci', 'insert', '--image', 'made:v1', 'config.json', '/etc/file');
    await skopeo('copy', '--dest-tls-verify=false', 'oci:made:v1', `docker://${host}/guest/umoci:v1`);
    await pull('guest/umoci:v1', 'oci:unmade:v1');
    await run('umoci', 'unpack', '--rootless', '--image', 'unmade:v1', 'bundle');
    expect(await readFile(join(folder, 'bundle/rootfs/etc/file'), 'utf8')).toContain(host);
  });
});

describe.skipIf(!has.buildah)('buildah', () => {
  const buildah = (verb: string, ...rest: readonly string[]) =>
    run('buildah', '--storage-driver', 'vfs', '--root', 'storage', '--runroot', 'run', verb, ...rest);

  it('builds an image and pushes it', async () => {
    const container = (await buildah('from', 'scratch')).trim();
    await buildah('add', container, join(folder, 'layout/oci-layout'), '/layout');
    await buildah('config', '--entrypoint', '["/layout"]', container);
    await buildah('commit', '--disable-compression=false', container, 'localhost/built:1');
    await buildah('push', '--tls-verify=false', 'localhost/built:1', `docker://${host}/guest/built:1`);
    expect(await registry.call('GET', '/v2/guest/built/tags/list')).toMatchObject({ body: { tags: ['1'] } });
    await buildah('rm', container);
    await buildah('rmi', 'localhost/built:1');
    await buildah('pull', '--tls-verify=false', `${host}/guest/built:1`);
    const inspected = await buildah('inspect', '--type', 'image', `${host}/guest/built:1`);
    expect(JSON.parse(inspected).OCIv1.config.Entrypoint).toEqual(['/layout']);
  });

  it('prints why the gate refuses an image, which can’t be pulled then', async () => {
    const container = (await buildah('from', 'scratch')).trim();
    await buildah('commit', container, 'localhost/refused:1');
    const to = `docker://${host}/guest/refused:buildah`;
    await expect(buildah('push', '--tls-verify=false', 'localhost/refused:1', to)).rejects.toThrow(
      `denied: ${refusal}`,
    );
    await expect(buildah('pull', '--tls-verify=false', `${host}/guest/refused:buildah`)).rejects.toThrow(
      /no manifest/i,
    );
  });
});

describe.skipIf(!has.podman)('podman', () => {
  const podman = (verb: string, ...rest: readonly string[]) =>
    run('podman', '--storage-driver', 'vfs', '--root', 'pods', '--runroot', 'podrun', verb, ...rest);

  it('logs in, pulls, tags and pushes', async () => {
    const [user = '', password = ''] = guestKey.split(':');
    const auth = ['--authfile', join(folder, 'podman.json'), '--tls-verify=false'];
    await podman('login', ...auth, '--username', user, '--password', password, host);
    await expect(podman('login', ...auth, '--username', user, '--password', 'wrong', host)).rejects.toThrow(
      /invalid username\/password|no such key/,
    );
    await registry.pushImage('guest/pod', 'v1', [await tarOf([{ name: 'file', content: 'text' }])]);
    await podman('pull', ...auth, `${host}/guest/pod:v1`);
    await podman('tag', `${host}/guest/pod:v1`, `${host}/guest/pod:v2`);
    await podman('push', ...auth, `${host}/guest/pod:v2`);
    expect((await registry.call('GET', '/v2/guest/pod/tags/list')).body.tags).toEqual(['v1', 'v2']);
  });

  it('prints why the gate refuses an image, which can’t be pulled then', async () => {
    await registry.pushImage('guest/taken', 'v1', [await tarOf([{ name: 'file', content: 'taken' }])]);
    await podman('pull', '--tls-verify=false', `${host}/guest/taken:v1`);
    const refused = `${host}/guest/refused:podman`;
    await podman('tag', `${host}/guest/taken:v1`, refused);
    await expect(podman('push', '--tls-verify=false', refused)).rejects.toThrow(`denied: ${refusal}`);
    await podman('rmi', refused);
    await expect(podman('pull', '--tls-verify=false', refused)).rejects.toThrow(/no manifest/i);
  });
});

describe.skipIf(!has.cosign)('cosign', () => {
  const cosign = (verb: string, ...rest: readonly string[]) =>
    run('cosign', verb, '--allow-http-registry', ...rest);

  it('signs, attests and verifies, with tags and with referrers', async () => {
    const { digest } = await registry.pushImage('guest/signed', 'v1');
    const image = `${host}/guest/signed@${digest}`;
    await run('cosign', 'generate-key-pair');
    const sign = ['--yes', '--key', 'cosign.key', '--tlog-upload=false'];
    const verify = ['--key', 'cosign.pub', '--insecure-ignore-tlog=true'];
    await expect(cosign('verify', ...verify, image)).rejects.toThrow(/no signatures found/);
    await cosign('sign', ...sign, '-a', 'gate=passed', image);
    const [signature] = JSON.parse(await cosign('verify', ...verify, '-a', 'gate=passed', image));
    expect(signature.critical.image['docker-manifest-digest']).toBe(digest);
    const { tags } = (await registry.call('GET', '/v2/guest/signed/tags/list')).body;
    expect(tags).toEqual([`${digest.replace(':', '-')}.sig`, 'v1']);
    await writeFile(join(folder, 'predicate.json'), '{"scanner": {"uri": "ward"}}');
    await cosign('attest', ...sign, '--type', 'vuln', '--predicate', 'predicate.json', image);
    await cosign('verify-attestation', ...verify, '--type', 'vuln', image);
  });

  it('attaches signatures as referrers', async () => {
    const { digest } = await registry.pushImage('guest/referred', 'v1');
    const env = { COSIGN_EXPERIMENTAL: '1' };
    Object.assign(process.env, env);
    try {
      await cosign(
        'sign',
        ...['--yes', '--key', 'cosign.key', '--tlog-upload=false', '--registry-referrers-mode=oci-1-1'],
        `${host}/guest/referred@${digest}`,
      );
    } finally {
      delete process.env['COSIGN_EXPERIMENTAL'];
    }
    const { manifests } = (await registry.call('GET', `/v2/guest/referred/referrers/${digest}`)).body;
    expect(manifests).toMatchObject([{ artifactType: 'application/vnd.dev.cosign.artifact.sig.v1+json' }]);
    expect((await registry.call('GET', '/v2/guest/referred/tags/list')).body.tags).toEqual(['v1']);
  });
});
