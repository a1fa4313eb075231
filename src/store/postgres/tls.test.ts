/** PostgreSQL over TLS: which certificates of the server Ward accepts. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../lib/free-ports.fixture.ts';
import { mustRun } from '../../lib/index.ts';
import { openPool } from './pool.ts';
import { missingForPostgres, type PostgresServer, startPostgres } from './server.fixture.ts';

let missing: string | undefined;
let folder: string;
let server: PostgresServer | undefined;
let port: number;

beforeEach((context) => context.skip(missing !== undefined, missing));

beforeAll(async () => {
  missing = (await missingForPostgres()) ?? (await missingForOpenssl());
  if (missing !== undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'ward-pg-tls-'));
  port = await freePort();
  const { certificate, key } = await newCertificate('server');
  await newCertificate('other');
  const [certificateText, keyText] = await Promise.all([
    readFile(certificate, 'utf8'),
    readFile(key, 'utf8'),
  ]);
  server = await startPostgres({ tls: { port, certificate: certificateText, key: keyText } });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

test('sslmode=verify-full connects, encrypted, to a server with a certificate of the authority', async () => {
  const pool = openPool({ url: url('localhost', 'server') });
  const connection = await pool.connect();
  const { rows } = await connection.raw('select ssl, version from pg_stat_ssl where pid = pg_backend_pid()');
  connection.release();
  await pool.close();
  expect(rows).toEqual([{ ssl: true, version: 'TLSv1.3' }]);
});

test.each([
  ['of another authority', 'localhost', 'other'],
  ['for another host', '127.0.0.1', 'server'],
])('sslmode=verify-full refuses a certificate %s', async (_, host, authority) => {
  const pool = openPool({ url: url(host, authority) });
  await expect(pool.connect()).rejects.toMatchObject({
    code: 'STORE_REFUSED',
    message: expect.stringMatching(/certificate|altnames|self-signed/i),
  });
  await pool.close();
});

function url(host: string, authority: string): string {
  const root = encodeURIComponent(join(folder, `${authority}.pem`));
  return `postgres://ward@${host}:${port}/postgres?sslmode=verify-full&sslrootcert=${root}`;
}

async function missingForOpenssl(): Promise<string | undefined> {
  return mustRun(['openssl', 'version']).then(
    () => undefined,
    () => 'openssl is not installed',
  );
}

/** It signs itself, and is for the host `localhost`. */
async function newCertificate(name: string) {
  const [certificate, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  await mustRun([
    ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-days', '1', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
    ...['-keyout', key, '-out', certificate],
  ]);
  return { certificate, key };
}
