/** A server that updates its advisories by itself, within the isolation of its process. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mustRun } from '../src/lib/index.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();
const advisory = {
  id: 'GHSA-35jh-r3h4-6jhm',
  modified: new Date().toISOString(),
  affected: [
    {
      package: { ecosystem: 'npm', name: 'lodash' },
      ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '4.17.21' }] }],
    },
  ],
};
const list = `sources:
  - { name: npm, form: osv, url: "https://npm.example.org/all.json", licence: x, maxSize: 1m }
  - { name: gone, form: osv, url: "https://gone.example.org/all.json", licence: x, maxSize: 1m }
`;
let place: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'ward-mirror-'));
  await chmod(place, 0o755);
  await mkdir(join(place, 'mirror/npm.example.org'), { recursive: true });
  await writeFile(join(place, 'mirror/npm.example.org/all.json'), JSON.stringify(advisory));
  await writeFile(join(place, 'sources.yaml'), list);
});
afterEach(() => rm(place, { recursive: true }));

async function metric(ward: Ward, name: string): Promise<number> {
  const { body } = await ward.request('GET', '/metrics');
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(String(body))?.[1]);
}

describe.skipIf(missing !== undefined)(`advisories by itself${missing ? ` (${missing})` : ''}`, () => {
  it('a fresh install gets them at once from a mirror, and reports failures', async () => {
    await using server = createServer(async (request, response) => {
      const content = await readFile(join(place, 'mirror', request.url ?? '')).catch(() => undefined);
      if (content === undefined) response.writeHead(404).end();
      else response.end(content);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const from = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await using ward = await Ward.start({
      advisories: { update: 'daily', from, sources: join(place, 'sources.yaml') },
    });
    await ward.until(async () => (await metric(ward, 'ward_advisories')) === 1);
    await ward.until(async () => (await metric(ward, 'ward_advisories_failed_sources')) === 1);
    expect(await metric(ward, 'ward_advisories_age_seconds')).toBeLessThan(3600);
    expect(await metric(ward, 'ward_advisories_checked_seconds')).toBeLessThan(3600);
  });

  it('a folder is read within the server’s isolation, and a wrong signature is reported', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    await writeFile(join(place, 'mirror.pub'), publicKey.export({ format: 'pem', type: 'spki' }));
    const mirror = join(place, 'mirror');
    const sums = await mustRun(['sha256sum', 'npm.example.org/all.json'], { cwd: mirror });
    await writeFile(join(mirror, 'SHA256SUMS'), sums);
    await writeFile(join(mirror, 'SHA256SUMS.sig'), sign(null, Buffer.from(sums), privateKey));
    const paths = { from: mirror, key: join(place, 'mirror.pub'), sources: join(place, 'sources.yaml') };
    const config = { advisories: { update: 'daily', ...paths } };
    const dataDir = join(place, 'data');
    const first = await Ward.start(config, dataDir);
    await first.until(async () => (await metric(first, 'ward_advisories_failed_sources')) === 1);
    await first.stop();
    expect(await readdir(join(dataDir, 'advisories'))).toContain('advisories.db.last-update.json');
    await writeFile(join(mirror, 'SHA256SUMS'), `${sums}\n`);
    await rm(join(dataDir, 'advisories/advisories.db.last-update.json'));
    const { ward, said } = await Ward.startSaying(config, dataDir);
    await using _ward = ward;
    await ward.until(async () => said().includes('the key did not sign its SHA256SUMS'));
    expect(await metric(ward, 'ward_advisories')).toBe(1);
  });
});
