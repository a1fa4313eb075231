/** The gate on a real Ward: code is refused when it is deployed, images when they are pushed, by what is found in them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../src/lib/index.ts';
import { writeImage } from './gate/layout.ts';
import { missingForSandboxes, runWard, Ward } from './ward.ts';
import { zip } from './zip.ts';

const missing = missingForSandboxes();
const reason = missing ? ` (${missing})` : '';
const actions = '/api/v1/namespaces/_/actions';

/** As GitHub's advisory database tells it. */
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
let folder: string;

beforeAll(async () => {
  if (missing !== undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'ward-gate-'));
  const data = await mkdtemp(join(tmpdir(), 'ward-e2e-'));
  const file = join(folder, 'advisory.json');
  await writeFile(file, JSON.stringify(advisory));
  // Advisories are there before the server starts.
  const imported = await runWard(['advisories', 'import', file, '--data', data]);
  expect(imported).toMatchObject({ code: 0 });
  ward = await Ward.start({}, data);
  await ward.raiseLimits();
});
afterAll(async () => {
  await ward?.[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function deployWith(name: string, lodash: string) {
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
  return ward.deploy(name, (await zip(files)).toString('base64'));
}

async function skopeo(...args: readonly string[]) {
  return runCommand(['skopeo', '--insecure-policy', ...args], { timeoutMs: 60_000 });
}

function registry(image: string): string {
  return `docker://${ward.url.slice('http://'.length)}/${image}`;
}

describe.skipIf(missing !== undefined)(`the gate at deployment${reason}`, () => {
  it('refuses code with a vulnerable package, and says what to upgrade to', async () => {
    const refused = await deployWith('old', '4.17.20');
    expect(refused.status).toBe(403);
    expect(refused.body.error).toMatch(/CVE-2021-23337.*lodash.*4\.17\.21|lodash.*4\.17\.21/);
    expect((await ward.request('GET', `${actions}/old`)).status).toBe(404);
  });

  it('accepts the fixed one, which runs', async () => {
    expect((await deployWith('fixed', '4.17.21')).status).toBe(200);
    expect((await ward.invoke('fixed')).body.response.result).toEqual({ version: '4.17.21' });
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
  });

  it('lets a clean one in, for its namespace alone', async () => {
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
    expect((await ward.request('PUT', `${actions}/theirs`, { body, auth })).status).toBe(403);
    expect((await ward.request('PUT', `${actions}/ours`, { body })).status).toBe(200);
  });
});
