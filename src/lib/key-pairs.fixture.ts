/** Certificates and keys for tests, made by OpenSSL: an authority, and servers that it vouches for. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun } from './index.ts';

/** PEM. */
export interface TestPair {
  readonly cert: string;
  readonly key: string;
}

export interface TestAuthority extends AsyncDisposable {
  /** PEM. */
  readonly cert: string;
  /** A file with it. */
  readonly file: string;
  /** A pair for 127.0.0.1, localhost and further names or addresses. @param until like `20200101000000Z`; by default tomorrow */
  issue(names?: readonly string[], until?: string): Promise<TestPair>;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];

export async function makeAuthority(): Promise<TestAuthority> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-pairs-'));
  const file = join(folder, 'ca.crt');
  const caKey = join(folder, 'ca.key');
  await mustRun([
    ...['openssl', 'req', '-x509', ...newKey, '-keyout', caKey, '-out', file, '-subj', '/CN=Test authority'],
    ...['-days', '1', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
  ]);
  let count = 0;
  return {
    file,
    cert: await readFile(file, 'utf8'),
    async issue(names = [], until) {
      count++;
      const [cert, key] = [join(folder, `${count}.crt`), join(folder, `${count}.key`)];
      const all = [
        'IP:127.0.0.1',
        'DNS:localhost',
        ...names.map((name) => `${isIP(name) ? 'IP' : 'DNS'}:${name}`),
      ];
      await mustRun([
        ...['openssl', 'req', '-x509', '-CA', file, '-CAkey', caKey, ...newKey, '-keyout', key, '-out', cert],
        ...['-subj', `/CN=server ${count}`, '-addext', `subjectAltName=${all.join()}`],
        ...['-addext', 'basicConstraints=critical,CA:FALSE'],
        ...(until === undefined ? ['-days', '1'] : ['-not_before', '20190101000000Z', '-not_after', until]),
      ]);
      return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
