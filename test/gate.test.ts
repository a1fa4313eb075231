/** The gate on a real Ward: it refuses code at deployment, and images at push, for what the scan finds in them. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand, scanId } from '../src/lib/index.ts';
import { openGateOf } from './engine-switch.ts';
import { writeImage } from './gate/layout.ts';
import { onlyOneMachine } from './one-machine.ts';
import { scansBelow } from './processes.ts';
import { missingForSandboxes, runWard, Ward } from './ward.ts';
import { zip } from './zip.ts';

const missing = missingForSandboxes();
const reason = missing ? ` (${missing})` : '';
const actions = '/api/v1/namespaces/_/actions';

/** An advisory in the form of GitHub's advisory database. */
const advisory = {
  id: 'GHSA-35jh-r3h4-6jhm',
  aliases: ['CVE-2021-23337'],
  modified: '2024-04-17T18:39:19Z',
  published: '2021-05-06T16:05:51Z',
  summary: 'Command Injection in lodash',
  severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H' }],
  affected: [
    {
      package: { ecosystem: 'npm', name: 'lodash' },
      ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '4.17.21' }] }],
    },
  ],
  database_specific: { severity: 'HIGH' },
};

let ward: Ward;
/** All output of its process so far. */
let said: () => string;
let folder: string;

beforeAll(async () => {
  if (missing !== undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'ward-gate-'));
  const data = await mkdtemp(join(tmpdir(), 'ward-e2e-'));
  const file = join(folder, 'advisory.json');
  await writeFile(file, JSON.stringify(advisory));
  // The advisories must exist before the server starts.
  const imported = await runWard(['advisories', 'import', file, '--data', data]);
  expect(imported).toMatchObject({ code: 0 });
  await start(data);
  await ward.raiseLimits();
});
afterAll(async () => {
  await ward?.[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function start(dataDir: string): Promise<void> {
  ({ ward, said } = await Ward.startSaying({}, dataDir));
}

async function deployWith(name: string, lodash: string, to = ward) {
  const files = {
    'package.json': JSON.stringify({ name: 'fn', main: 'index.js', dependencies: { lodash } }),
    'index.js': 'exports.main = () => ({ version: require("lodash").VERSION });',
    'node_modules/lodash/package.json': JSON.stringify({
      name: 'lodash',
      version: lodash,
      main: 'lodash.js',
    }),
    'node_modules/lodash/lodash.js': `exports.VERSION = '${lodash}';`,
  };
  return to.deploy(name, (await zip(files)).toString('base64'));
}

/** Puts a policy in force, and waits until the audit log shows it. */
async function setPolicy(text: string): Promise<void> {
  const revision = await policyRevision();
  await mkdir(join(ward.dataDir, 'gate'), { recursive: true });
  await writeFile(join(ward.dataDir, 'gate/policy.yaml'), `form: 1\n${text}`);
  await ward.until(async () => (await policyRevision()) !== revision);
}

/** Reads the audit log as another process does, but without starting one, since tests poll it. */
async function policyRevision(): Promise<string | undefined> {
  await using store = await openGateOf(ward.dataDir);
  return (await store.audit({ limit: 1000 })).findLast(({ event }) => event === 'policy')?.policyRevision;
}

async function skopeo(...args: readonly string[]) {
  return runCommand(['skopeo', '--insecure-policy', ...args], { timeoutMs: 60_000 });
}

function registry(image: string): string {
  return `docker://${ward.url.slice('http://'.length)}/${image}`;
}

describe.skipIf(missing !== undefined)(`the gate at deployment${reason}`, () => {
  it('refuses code with a vulnerable package, and names the version to upgrade to', async () => {
    const refused = await deployWith('old', '4.17.20');
    expect(refused.status).toBe(403);
    expect(refused.body.error).toMatch(/CVE-2021-23337.*lodash.*4\.17\.21|lodash.*4\.17\.21/);
    expect((await ward.request('GET', `${actions}/old`)).status).toBe(404);
  });

  it('accepts the fixed one, which runs', async () => {
    expect((await deployWith('fixed', '4.17.21')).status).toBe(200);
    expect((await ward.invoke('fixed')).body.response.result).toEqual({ version: '4.17.21' });
  });

  it('lets each namespace find what was judged for it, and nothing of another', async () => {
    const neighbour = await ward.createNamespace('gate-neighbour');
    const foundBy = async (auth: string) => {
      const search = async (path: string) => (await ward.request('GET', `/ward/v1/${path}`, { auth })).body;
      const pages = ['findings?text=CVE-2021-23337', 'packages?text=lodash'].map(search);
      const found = (await Promise.all(pages)).map((page) => page.found);
      return [...found, await search('verdicts')].map((each) => each.length > 0);
    };
    expect(await foundBy(ward.auth)).toEqual([true, true, true]);
    expect(await foundBy(neighbour)).toEqual([false, false, false]);
  });

  it('keeps every verdict in an audit log that can be verified', async () => {
    const verified = await ward.cli(['audit', 'verify', '--data', ward.dataDir]);
    expect(verified).toMatchObject({ code: 0 });
  });
});

describe.skipIf(missing !== undefined)(`the gate at push${reason}`, () => {
  it('refuses an image with a miner that calls itself mysql, which can not be pulled then', async () => {
    const image = join(folder, 'miner');
    const elf = Buffer.concat([
      Buffer.from('7f454c4602010100', 'hex'),
      Buffer.from(
        '\0stratum+tcp://pool.supportxmr.com:3333\0--donate-level\0randomx\0cryptonight\0xmrig\0rig-id\0',
      ),
    ]);
    await writeImage(image, { run: '#!/bin/sh\n', 'usr/local/bin/mysql': elf });
    const pushed = await skopeo(
      'copy',
      '--dest-tls-verify=false',
      `--dest-creds=${ward.auth}`,
      `oci:${image}:v1`,
      registry('guest/db:v1'),
    );
    expect(pushed.code).not.toBe(0);
    expect(pushed.stderr).toMatch(/denied: .*malware/i);
    const pulled = await skopeo(
      'inspect',
      '--tls-verify=false',
      `--creds=${ward.auth}`,
      registry('guest/db:v1'),
    );
    expect(pulled.code).not.toBe(0);
    // The link in the refusal shows a page to browsers, and JSON to programs.
    const [, link = ''] = /report: \S*?(\/ward\/v1\/reports\/sha256:[0-9a-f]{64})/.exec(pushed.stderr) ?? [];
    const asPerson = (headers: Record<string, string>) =>
      fetch(new URL(link, ward.url), { headers: { accept: 'text/html,*/*;q=0.8', ...headers } });
    const authorization = `Basic ${Buffer.from(ward.auth).toString('base64')}`;
    const stranger = await asPerson({});
    expect([stranger.status, stranger.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringMatching(/^Basic /),
    ]);
    const page = await asPerson({ authorization });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; /);
    expect(await page.text()).toMatch(
      /<h1>guest\/db:v1<\/h1>.*<h2>push: <span class="denied">denied<.*usr\/local\/bin\/mysql/s,
    );
    expect((await ward.request('GET', link)).body).toMatchObject({ target: { name: 'guest/db:v1' } });
  });

  it('admits a clean one, only for its namespace', async () => {
    const image = join(folder, 'clean');
    await writeImage(image, { run: '#!/usr/bin/env node\n' });
    const pushed = await skopeo(
      'copy',
      '--dest-tls-verify=false',
      `--dest-creds=${ward.auth}`,
      `oci:${image}:v1`,
      registry('guest/clean:v1'),
    );
    expect(pushed).toMatchObject({ code: 0 });
    const inspected = await skopeo(
      'inspect',
      '--tls-verify=false',
      `--creds=${ward.auth}`,
      registry('guest/clean:v1'),
    );
    expect(inspected).toMatchObject({ code: 0 });
    const { Digest: digest } = JSON.parse(inspected.stdout);
    const verdict = await ward.request('GET', `/ward/v1/images/${digest}/verdict`);
    expect(verdict.body).toMatchObject([{ stage: 'push', namespace: 'guest' }]);
    expect((await ward.request('GET', `/ward/v1/images/${digest}/sbom`)).body).toMatchObject({
      bomFormat: 'CycloneDX',
    });
    const auth = await ward.createNamespace('gate-other');
    expect((await ward.request('GET', `/ward/v1/images/${digest}/report`, { auth })).status).toBe(404);
    const foreign = await skopeo(
      'inspect',
      '--tls-verify=false',
      `--creds=${auth}`,
      registry('guest/clean:v1'),
    );
    expect(foreign.code).not.toBe(0);
    const body = { exec: { kind: 'blackbox', image: 'guest/clean:v1' } };
    const report = await ward.request('GET', `/ward/v1/images/${digest}/report`);
    expect(report).toMatchObject({ status: 200, body: { target: { digest }, findings: expect.any(Array) } });
    const theirs = await ward.request('PUT', `${actions}/theirs`, { body, auth });
    expect(theirs.status).toBe(200);
    expect(theirs.headers.get('x-ward-warning')).toContain('no image guest/clean:v1 here');
    expect(await ward.invoke('theirs', {}, auth)).toMatchObject({
      status: 502,
      body: {
        response: {
          status: 'action developer error',
          result: { error: "Failed to pull container image 'guest/clean:v1'." },
        },
      },
    });
    const ours = await ward.request('PUT', `${actions}/ours`, { body });
    expect(ours.status).toBe(200);
    expect(ours.headers.has('x-ward-warning')).toBe(false);
  });

  it('lends its layers to scan processes, by their path, and to no other user', async () => {
    onlyOneMachine('looks at the layers in the data folder, which a bucket has');
    const blobs = join(ward.dataDir, 'registry/blobs/sha256');
    const [name = ''] = await readdir(blobs);
    const blob = join(blobs, name);
    const { gid } = await stat(blob);
    const reads = async (uid: number, group: number) => {
      const as = ['--reuid', `${uid}`, '--regid', `${group}`, '--clear-groups'];
      return (await runCommand(['setpriv', ...as, '--', 'test', '-r', blob])).code === 0;
    };
    // The keeper starts scan processes with the server's group (`server/keep.ts`).
    expect(await reads(scanId, gid)).toBe(true);
    expect(await reads(scanId, scanId)).toBe(false);
    expect(await reads(65534, 65534)).toBe(false);
  });
});

describe.skipIf(missing !== undefined)(`what runs and becomes vulnerable${reason}`, () => {
  const recorder = 'exports.main = (event) => ({ event });';

  async function listen(auth: string): Promise<void> {
    const put = (path: string, body: object) =>
      ward.request('PUT', `/api/v1/namespaces/_/${path}?overwrite=true`, { body, auth });
    await ward.deploy('recorder', recorder, { auth });
    await put('triggers/security', {});
    const rule = { trigger: '/_/security', action: '/_/recorder' };
    expect((await put('rules/on-security', rule)).status).toBe(200);
  }

  async function eventFor(auth: string) {
    const path = '/api/v1/namespaces/_/activations?name=recorder&docs=true';
    let found: readonly { response: { result: { event: Record<string, unknown> } } }[] = [];
    await ward.until(async () => {
      found = (await ward.request('GET', path, { auth })).body;
      return found.length > 0;
    });
    return found[0]?.response.result.event;
  }

  it('is reported to functions of the namespace and of the operator, and stopped if the policy says so', async () => {
    expect((await deployWith('later', '4.17.21')).status).toBe(200);
    expect((await ward.invoke('later')).status).toBe(200);
    const rotated = await ward.cli([
      'namespace',
      'rotate-key',
      'whisk.system',
      ...['--data', ward.dataDir, '-o', 'json'],
    ]);
    const operator: string = JSON.parse(rotated.stdout).key;
    for (const auth of [ward.auth, operator]) await listen(auth);
    const file = join(folder, 'new-advisory.json');
    const [affected] = advisory.affected;
    const events = [{ introduced: '0' }, { fixed: '4.17.22' }];
    await writeFile(
      file,
      JSON.stringify({
        ...advisory,
        id: 'GHSA-aaaa-bbbb-cccc',
        aliases: ['CVE-2026-1'],
        affected: [{ ...affected, ranges: [{ type: 'SEMVER', events }] }],
      }),
    );
    expect(await ward.cli(['advisories', 'import', file, '--data', ward.dataDir])).toMatchObject({ code: 0 });
    for (const auth of [ward.auth, operator]) {
      expect(await eventFor(auth)).toMatchObject({
        type: 'became-vulnerable',
        namespace: 'guest',
        stage: 'run',
        outcome: 'warn',
        added: expect.arrayContaining([expect.stringMatching(/CVE-2026-1|GHSA-aaaa/)]),
      });
    }
    // Ward's own policy warns about what already runs, and admits nothing new.
    expect((await ward.invoke('later')).status).toBe(200);
    expect((await deployWith('later', '4.17.21')).status).toBe(403);
    await setPolicy('overrides: [{ stages: [run], rules: { vulnerabilities: { action: deny } } }]');
    const stopped = await ward.invoke('later');
    expect(stopped.status).toBe(403);
    expect(stopped.body.error).toMatch(/must not run any more: .*4\.17\.22/);
  });
});

describe.skipIf(missing !== undefined)(`what is kept ready${reason}`, () => {
  it('is no longer loaded once the gate denies its calls, and loaded again when it allows them', async () => {
    await using own = await Ward.start({ invoker: { prewarm: [], keepAliveMs: 1 } });
    // Calls until the gate has seen a change.
    await own.raiseLimits();
    const policyFile = join(own.dataDir, 'gate/policy.yaml');
    const put = (outcome: string) =>
      writeFile(policyFile, `form: 1\nrules: { advisories: { missing: ${outcome} } }\n`);
    await put('allow');
    expect((await deployWith('ready', '4.17.20', own)).status).toBe(200);
    const body = { annotations: [{ key: 'min-warm', value: 2 }] };
    expect((await own.request('PUT', `${actions}/ready?overwrite=true`, { body })).status).toBe(200);
    expect((await own.invoke('ready')).status).toBe(200);
    await own.until(() => own.sandboxStates().length === 2);
    await put('deny');
    await own.until(() => own.sandboxStates().length === 0);
    expect((await own.invoke('ready')).status).toBe(403);
    await put('allow');
    await own.until(async () => (await own.invoke('ready')).status === 200);
    await own.until(() => own.sandboxStates().length === 2);
  });
});

const hasCosign = await runCommand(['cosign', 'version']).then(
  ({ code }) => code === 0,
  () => false,
);

describe.skipIf(missing !== undefined || !hasCosign)(`an image from the folder to the call${reason}`, () => {
  it('is built, scanned, signed and pushed, verified by cosign, deployed and run; an unsigned one is not', async () => {
    const passphrase = { WARD_KEY_PASSPHRASE: 'release' };
    const key = join(folder, 'release.key');
    expect(await ward.cli(['image', 'keygen', key], passphrase)).toMatchObject({ code: 0 });
    const publicKey = await readFile(`${key}.pub`, 'utf8');
    await setPolicy(
      `keys: { release: ${JSON.stringify(publicKey)} }\noverrides:\n` +
        '  - { stages: [deploy, run], rules: { signatures: { action: deny, keys: [release] } } }',
    );
    const source = join(folder, 'tale');
    await mkdir(source);
    await writeFile(join(source, 'package.json'), '{ "name": "tale", "main": "index.js" }');
    await writeFile(join(source, 'index.js'), 'exports.main = ({ name }) => ({ tale: "of " + name });');
    // The base is scanned as well.
    const build = (tag: string, ...more: readonly string[]) =>
      ward.cli(
        ['image', 'build', source, '--tag', tag, '--push', '--data', ward.dataDir, ...more],
        passphrase,
        300_000,
      );
    expect(await build('guest/tale:1', '--sign', key)).toMatchObject({ code: 0 });
    await writeFile(join(source, 'index.js'), 'exports.main = () => ({ tale: "of nobody" });');
    expect(await build('guest/unsigned:1')).toMatchObject({ code: 0 });

    const host = ward.url.slice('http://'.length);
    const [username = '', password = ''] = ward.auth.split(':');
    const cosign = (image: string) =>
      runCommand(
        [
          ...['cosign', 'verify', '--key', `${key}.pub`, '--insecure-ignore-tlog=true'],
          ...['--allow-http-registry', '--registry-username', username, '--registry-password', password],
          `${host}/${image}`,
        ],
        { timeoutMs: 60_000 },
      );
    expect(await cosign('guest/tale:1')).toMatchObject({ code: 0 });
    expect((await cosign('guest/unsigned:1')).code).not.toBe(0);

    const put = (image: string) =>
      ward.request('PUT', `${actions}/tale?overwrite=true`, { body: { exec: { kind: 'blackbox', image } } });
    const refused = await put('guest/unsigned:1');
    expect(refused.status).toBe(403);
    expect(refused.body.error).toMatch(/signature/);
    expect((await put('guest/tale:1')).status).toBe(200);
    expect((await ward.invoke('tale', { name: 'two cities' })).body.response.result).toEqual({
      tale: 'of two cities',
    });

    await ward.stop();
    await start(ward.dataDir);
    expect((await ward.invoke('tale', { name: 'a restart' })).body.response.result).toEqual({
      tale: 'of a restart',
    });
    // The tag now points to another image, which has no signature.
    const moved = [registry('guest/unsigned:1'), registry('guest/tale:1')];
    const creds = ['--src-tls-verify=false', '--dest-tls-verify=false', `--src-creds=${ward.auth}`];
    expect(await skopeo('copy', ...creds, `--dest-creds=${ward.auth}`, ...moved)).toMatchObject({ code: 0 });
    const stopped = await ward.invoke('tale', { name: 'nobody' });
    expect(stopped.status).toBe(403);
    expect(stopped.body.error).toMatch(/must not run any more: .*signature/);
  }, 600_000);
});

describe.skipIf(missing !== undefined)(`a push that does not come to its end${reason}`, () => {
  const bytes = 24 * 1024 * 1024;
  const uploadedBytes = async () => {
    const dir = join(ward.dataDir, 'registry', 'uploads');
    const names = await readdir(dir, { recursive: true }).catch(() => []);
    const stats = names.map((name) => stat(join(dir, name)).catch(() => undefined));
    return (await Promise.all(stats)).reduce((sum, each) => sum + (each?.isFile() ? each.size : 0), 0);
  };

  /** Its layer is there, so the scan comes next. */
  const hasLayer = async (repository: string, image: string) => {
    const { manifests } = JSON.parse(await readFile(join(image, 'index.json'), 'utf8'));
    const blob = (digest: string) => join(image, 'blobs', digest.replace(':', '/'));
    const { layers } = JSON.parse(await readFile(blob(manifests[0].digest), 'utf8'));
    return (await ward.request('HEAD', `/v2/${repository}/blobs/${layers[0].digest}`)).status === 200;
  };

  const pushTo = (repository: string, image: string) =>
    skopeo(
      ...['copy', '--preserve-digests', '--dest-tls-verify=false', `--dest-creds=${ward.auth}`],
      `oci:${image}:v1`,
      registry(`${repository}:v1`),
    );

  it('is given up when Ward stops in the middle of its scan, without an error in the log', async () => {
    const image = join(folder, 'stopped');
    await writeImage(image, { run: '#!/bin/sh\n', data: randomBytes(bytes) });
    const before = said().length;
    const saidHere = said;
    // A scan that stands still does not end before the stop. The first push starts its process.
    const first = join(folder, 'first');
    await writeImage(first, { run: '#!/bin/sh\n' });
    expect(await pushTo('guest/first', first)).toMatchObject({ code: 0 });
    const scans = scansBelow(ward.pid);
    expect(scans).not.toEqual([]);
    for (const { pid } of scans) process.kill(pid, 'SIGSTOP');
    const pushing = pushTo('guest/stopped', image);
    await ward.until(() => hasLayer('guest/stopped', image));
    await ward.stop();
    expect((await pushing).code).not.toBe(0);
    expect(saidHere().slice(before)).not.toMatch(/"level":"(?:warn|error|fatal)"/);
    await start(ward.dataDir);
    expect(await pushTo('guest/stopped', image)).toMatchObject({ code: 0 });
  });

  it.each([
    ['a push', 'pushed', async () => (await uploadedBytes()) > 0],
    ['a scan', 'scanned', hasLayer],
  ])('leaves nothing half-visible after kill -9 in the middle of %s', async (_, name, isUnderWay) => {
    if (name === 'pushed') onlyOneMachine('looks at the upload in the data folder, which a bucket has');
    const image = join(folder, name);
    await rm(join(ward.dataDir, 'gate/layers'), { recursive: true, force: true });
    await writeImage(image, { run: '#!/bin/sh\n', data: randomBytes(bytes) });
    const repository = `guest/${name}`;
    const push = () => pushTo(repository, image);
    const pull = () =>
      skopeo(
        ...['copy', '--src-tls-verify=false', `--src-creds=${ward.auth}`],
        registry(`${repository}:v1`),
        `dir:${join(folder, `${name}-pulled`)}`,
      );
    const pushing = push();
    await ward.until(() => isUnderWay(repository, image));
    await ward.kill();
    await pushing;
    await start(ward.dataDir);
    const { status } = await ward.request('GET', `/v2/${repository}/manifests/v1`);
    // Only the answer to the client may have been missing.
    if (status === 200) expect(await pull()).toMatchObject({ code: 0 });
    else expect(status).toBe(404);
    expect(await push()).toMatchObject({ code: 0 });
    expect(await pull()).toMatchObject({ code: 0 });
    const verified = await ward.cli(['audit', 'verify', '--data', ward.dataDir]);
    expect(verified).toMatchObject({ code: 0 });
  });
});
