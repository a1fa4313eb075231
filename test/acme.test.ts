/** A whole Ward that gets its certificate from Debian's pebble, renews it, and goes on when pebble has ended. */
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingForPebble, type Pebble, startPebble } from '../src/server/acme/pebble.fixture.ts';
import { launcher, missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes() ?? (await missingForPebble());
const name = 'ward.test.example';
/** Renewed after four. */
const lifeSeconds = 6;

describe.skipIf(missing !== undefined)(`ACME${missing ? ` (${missing})` : ''}`, () => {
  let pebble: Pebble;
  let ward: Ward;
  let said: () => string;

  beforeAll(async () => {
    pebble = await startPebble(lifeSeconds);
    const { directory, proofPort } = pebble;
    const tls = { acme: { names: [name], directory, agree: true }, redirect: `127.0.0.1:${proofPort}` };
    ({ ward, said } = await Ward.startSaying({ logLevel: 'info', tls }, undefined, launcher, {
      env: { NODE_EXTRA_CA_CERTS: pebble.ca.file },
    }));
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
    await pebble?.[Symbol.asyncDispose]();
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
    pebble.stop();
    await ward.until(() => said().includes('no new certificate from the authority'));
    expect((await shown()).issuer).toMatch(/^Pebble/);
    expect(said()).toMatch(/\/dir does not answer: .*"failures":1,"minutes":1/);
  });
});
