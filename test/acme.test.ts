/** A whole Ward that gets its certificate from Debian's pebble, renews it, and goes on when pebble has ended. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../src/lib/free-ports.fixture.ts';
import { runCommand, startCommand } from '../src/lib/index.ts';
import { makeAuthority, type TestAuthority } from '../src/lib/key-pairs.fixture.ts';
import { launcher, missingForSandboxes, Ward } from './ward.ts';

const hasPebble = (await runCommand(['pebble', '-version']).catch(() => undefined))?.code === 0;
const missing = missingForSandboxes() ?? (hasPebble ? undefined : 'needs pebble');
const name = 'ward.test.example';
/** Renewed after four. */
const lifeSeconds = 6;

describe.skipIf(missing !== undefined)(`ACME${missing ? ` (${missing})` : ''}`, () => {
  let folder: string;
  let authority: TestAuthority;
  let ward: Ward;
  let said: () => string;
  const programs: ChildProcess[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ward-acme-'));
    // The server's user reads the authority's certificate.
    await chmod(folder, 0o755);
    authority = await makeAuthority();
    const file = (each: string) => join(folder, each);
    const { cert, key } = await authority.issue();
    await writeFile(file('pebble.crt'), cert);
    await writeFile(file('pebble.key'), key);
    await writeFile(file('ca.crt'), authority.cert);
    const [httpPort, port, management, dns, names] = await Promise.all(
      Array.from({ length: 5 }, () => freePort()),
    );
    const settings = {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: file('pebble.crt'),
      privateKey: file('pebble.key'),
      ...{ httpPort, tlsPort: httpPort, certificateValidityPeriod: lifeSeconds },
      retryAfter: { authz: 1, order: 1 },
    };
    await writeFile(file('pebble.json'), JSON.stringify({ pebble: settings }));
    const env = { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0' };
    const run = (...argv: string[]) => programs.push(startCommand(argv, { stdio: 'ignore', env }));
    const off = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-doh', '', '-defaultIPv6', ''];
    run('pebble-challtestsrv', '-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${names}`, ...off);
    run('pebble', '-config', file('pebble.json'), '-dnsserver', `127.0.0.1:${dns}`);
    const directory = `https://127.0.0.1:${port}/dir`;
    const tls = { acme: { names: [name], directory, agree: true }, redirect: `127.0.0.1:${httpPort}` };
    ({ ward, said } = await Ward.startSaying({ logLevel: 'info', tls }, undefined, launcher, {
      env: { NODE_EXTRA_CA_CERTS: file('ca.crt') },
    }));
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
    for (const each of programs) each.kill();
    await authority?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** The certificate of a new connection. */
  async function shown() {
    const port = Number(new URL(ward.url).port);
    const socket = connect({ port, host: '127.0.0.1', servername: name, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { issuer, serialNumber, subjectaltname } = socket.getPeerCertificate();
    socket.destroy();
    return { issuer: String(issuer.CN), serialNumber, subjectaltname };
  }

  it('gets a certificate, keeps it where only the server’s user can read it, and renews it', async () => {
    expect(ward.url).toMatch(new RegExp(`^https://${name}:\\d+$`));
    await ward.until(async () => (await shown()).issuer.startsWith('Pebble'));
    const first = await shown();
    expect(first.subjectaltname).toBe(`DNS:${name}`);
    for (const file of ['account.key', 'certificate.pem']) {
      const path = join(ward.dataDir, 'acme', file);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(await readFile(path, 'utf8')).toContain('PRIVATE KEY');
    }
    await ward.until(async () => (await shown()).serialNumber !== first.serialNumber);
    expect((await shown()).issuer).toMatch(/^Pebble/);
  });

  it('when the authority has ended, the old one stays, and the log says so', async () => {
    for (const each of programs) each.kill();
    await ward.until(() => said().includes('no new certificate from the authority'));
    expect((await shown()).issuer).toMatch(/^Pebble/);
    expect(said()).toMatch(/\/dir does not answer: .*"failures":1,"minutes":1/);
  });
});
