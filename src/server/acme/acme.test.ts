/** A certificate by TLS-ALPN-01 from Debian's pebble, without an address for plain HTTP. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { expect, test } from 'vitest';
import { loadTls } from '../../api/index.ts';
import { silentLog } from '../../lib/index.ts';
import { type PairSources, shownPairs } from '../tls/certificates.ts';
import { openAcme } from './acme.ts';
import { missingForPebble, startPebble } from './pebble.fixture.ts';

const name = 'ward.test.example';
const trusted = getCACertificates('default');

test('the authority finds the proof on the port of TLS, and others find nothing', async ({ skip }) => {
  const missing = await missingForPebble();
  skip(missing !== undefined, missing);
  await using stack = new AsyncDisposableStack();
  const pebble = stack.use(await startPebble(3600));
  stack.defer(() => setDefaultCACertificates(trusted));
  setDefaultCACertificates([...trusted, pebble.ca.pem]);
  const folder = await mkdtemp(join(tmpdir(), 'ward-acme-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const acme = stack.use(
    await openAcme({
      setting: {
        ...{ directory: pebble.directory, names: [name], email: undefined },
        challenge: 'tls-alpn-01',
      },
      folder,
      log: silentLog,
    }),
  );
  const shownOf = (issued: Omit<PairSources, 'given'>) => {
    const pairs = shownPairs({ ...issued, given: [] });
    if (pairs === undefined) throw new Error('no pair');
    return pairs;
  };
  const openFront = await loadTls();
  const front = openFront(
    { pairs: shownOf(acme.pairs()), proofOf: acme.proofOf },
    { headBytes: 16_384, headTimeoutMs: 5000, keepAliveMs: 5000, idleTimeoutMs: 5000, sweepMs: 1000 },
  );
  stack.defer(front.end);
  const server = front.protect(createServer((_request, response) => response.end('served')));
  stack.defer(() => server.closeAllConnections());
  server.listen(pebble.proofPort, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => void server.close());
  const shown = async (ALPNProtocols: string[]) => {
    const to = { port: pebble.proofPort, host: '127.0.0.1', servername: name };
    const socket = connect({ ...to, ALPNProtocols, rejectUnauthorized: false });
    try {
      await once(socket, 'secureConnect');
      return String(socket.getPeerCertificate().issuer.CN);
    } catch {
      return 'nothing';
    } finally {
      socket.destroy();
    }
  };
  expect(await shown(['acme-tls/1'])).toBe('nothing');
  const renewed = Promise.withResolvers<void>();
  acme.start((pairs) => {
    front.renew(shownOf(pairs));
    renewed.resolve();
  });
  await renewed.promise;
  expect(await shown(['http/1.1'])).toMatch(/^Pebble/);
  expect(await shown(['acme-tls/1'])).toBe('nothing');
  expect(acme.failures()).toBe(0);
});
