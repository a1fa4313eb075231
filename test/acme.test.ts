/** A whole Ward that gets its certificate from Debian's pebble, renews it, and goes on when pebble has ended. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DnsServer, startDnsServer } from '../src/functions/domains/dns-server.fixture.ts';
import { missingForPebble, type Pebble, startPebble } from '../src/server/acme/pebble.fixture.ts';
import { dataPaths } from '../src/server/instance/instance.ts';
import { missingForOneMachine } from './one-machine.ts';
import { launcher, missingForSandboxes, Ward } from './ward.ts';

const missing =
  missingForSandboxes() ??
  missingForOneMachine('no invoker can join at a name that leads nowhere') ??
  (await missingForPebble());
const name = 'ward.test.example';
/** Renewed after four. */
const lifeSeconds = 6;
/** Of a namespace in 24 hours: the last comes about twelve seconds after the first. */
const mostOrders = 4;

describe.skipIf(missing !== undefined)(`ACME${missing ? ` (${missing})` : ''}`, () => {
  let pebble: Pebble;
  let dns: DnsServer;
  let ward: Ward;
  let said: () => string;

  beforeAll(async () => {
    pebble = await startPebble(lifeSeconds);
    dns = await startDnsServer();
    const { directory, proofPort } = pebble;
    const domains = { resolvers: [dns.address] };
    const acme = { names: [name], directory, agree: true, ordersPerDay: { namespace: mostOrders } };
    const tls = { acme, redirect: `127.0.0.1:${proofPort}` };
    ({ ward, said } = await Ward.startSaying({ logLevel: 'info', tls, domains }, undefined, launcher, {
      env: { NODE_EXTRA_CA_CERTS: pebble.ca.file },
    }));
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
    await pebble?.[Symbol.asyncDispose]();
    await dns?.[Symbol.asyncDispose]();
  });

  /** The certificate of a new connection. */
  async function shown(servername = name) {
    const port = Number(new URL(ward.url).port);
    const socket = connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { issuer, serialNumber, subjectaltname } = socket.getPeerCertificate();
    socket.destroy();
    return { issuer: String(issuer.CN), serialNumber, subjectaltname };
  }

  it('gets a certificate, keeps its key sealed, and renews it', async () => {
    expect(ward.url).toMatch(new RegExp(`^https://${name}:\\d+$`));
    await ward.until(async () => (await shown()).issuer.startsWith('Pebble'));
    const first = await shown();
    expect(first.subjectaltname).toBe(`DNS:${name}`);
    const stored = await Promise.all(
      ['', '-wal'].map((end) => readFile(dataPaths(ward.dataDir).database + end, 'latin1')),
    );
    expect(stored.join()).toContain(name);
    expect(stored.join()).not.toContain('PRIVATE KEY');
    await ward.until(async () => (await shown()).serialNumber !== first.serialNumber);
    expect((await shown()).issuer).toMatch(/^Pebble/);
  });

  it('gets one for each proved domain, as long as it is one', async () => {
    const domain = 'shop.example.com';
    const claim = `/ward/v1/domains/${domain}`;
    // Not by `fetch`: it does not trust the authority, nor know the name.
    const ask = async (method: string, path: string, body?: object) => {
      const { port } = new URL(ward.url);
      const headers = {
        authorization: `Basic ${Buffer.from(ward.auth).toString('base64')}`,
        ...(body && { 'content-type': 'application/json' }),
      };
      const to = { host: '127.0.0.1', port, servername: name, rejectUnauthorized: false, agent: false };
      const sent = request({ ...to, method, path, headers });
      sent.end(body && JSON.stringify(body));
      const [answer] = await once(sent, 'response');
      return String(await text(answer));
    };
    /** Of `/ping`, over HTTP/2. */
    const statusOf = async (authority: string) => {
      const session = connectHttp2(ward.url, {
        createConnection: () => {
          const to = { port: Number(new URL(ward.url).port), host: '127.0.0.1', servername: authority };
          return connect({ ...to, ALPNProtocols: ['h2'], rejectUnauthorized: false });
        },
      });
      const stream = session.request({ ':path': '/ping', ':authority': authority });
      const [headers] = await once(stream, 'response');
      session.destroy();
      return Number(headers[':status']);
    };
    const { challenge } = JSON.parse(await ask('PUT', claim, { package: 'default' }));
    dns.records.set(challenge.name, [challenge.value]);
    expect((await shown(domain)).subjectaltname).toBe(`DNS:${name}`);
    await ask('POST', `${claim}/verify`);
    await ward.until(async () => (await shown(domain)).subjectaltname === `DNS:${domain}`);
    expect((await shown()).subjectaltname).toBe(`DNS:${name}`);
    expect([await statusOf(domain), await statusOf(name)]).toEqual([404, 200]);
    expect(JSON.parse(await ask('GET', claim)).certificate).toEqual({
      ...{ issuer: expect.stringMatching(/^Pebble/), until: expect.any(Number) },
      ...{ triedAt: expect.any(Number), failures: 0, error: null, nextTryAt: expect.any(Number) },
    });
    const figures = () => ask('GET', '/metrics');
    const end = 'ward_issued_certificate_not_after_seconds';
    for (const each of [name, domain]) {
      expect(await figures()).toMatch(new RegExp(`${end}\\{names="${each}"\\} \\d{10}`));
      expect(await figures()).toContain(`ward_issued_certificate_failures{names="${each}"} 0`);
    }
    await ask('DELETE', claim);
    await ward.until(async () => (await shown(domain)).subjectaltname === `DNS:${name}`);
    expect(await figures()).not.toContain(domain);
    // The claim is another one, and the orders of the namespace are those that are left.
    const again = JSON.parse(await ask('PUT', claim, { package: 'default' }));
    dns.records.set(challenge.name, [again.challenge.value]);
    await ask('POST', `${claim}/verify`);
    // It says so for a moment while the last order is under way, too.
    let nextTryAt = 0;
    await ward.until(async () => {
      const { certificate } = JSON.parse(await ask('GET', claim));
      nextTryAt = certificate?.nextTryAt;
      return (
        certificate?.error ===
        `the namespace has used up its ${mostOrders} orders of certificates in 24 hours`
      );
    });
    // When the first order is a day old.
    const waitHours = (nextTryAt - Date.now()) / 3_600_000;
    expect(waitHours).toBeGreaterThan(23);
    expect(waitHours).toBeLessThan(24);
    const before = await shown();
    await ward.until(async () => (await shown()).serialNumber !== before.serialNumber);
  });

  it('when the authority has ended, the old one stays, and the log says so', async () => {
    pebble.stop();
    await ward.until(() => said().includes('no new certificate from the authority'));
    expect((await shown()).issuer).toMatch(/^Pebble/);
    // It may have ended in the middle of an order.
    expect(said()).toMatch(/"failures":1,"minutes":1/);
  });
});
