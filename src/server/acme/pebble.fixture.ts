/** Debian's pebble: an authority for tests that issues short-lived certificates by ACME. */
import type { ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../lib/free-ports.fixture.ts';
import { runCommand, startCommand } from '../../lib/index.ts';
import { makeAuthority } from '../../lib/key-pairs.fixture.ts';

export interface Pebble extends AsyncDisposable {
  /** URL. */
  readonly directory: string;
  /** Vouches for the address of `directory`. */
  readonly ca: { readonly file: string; readonly pem: string };
  /** Where it looks for the proof of a name, both by HTTP and by TLS; each name is at 127.0.0.1. */
  readonly proofPort: number;
  /** Ends it, as if it could not be reached. */
  stop(): void;
}

/** Why it can't run here, or undefined. */
export async function missingForPebble(): Promise<string | undefined> {
  const version = await runCommand(['pebble', '-version']).catch(() => undefined);
  return version?.code === 0 ? undefined : 'needs pebble';
}

/** @param lifeSeconds of the certificates that it issues */
export async function startPebble(lifeSeconds: number): Promise<Pebble> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-pebble-'));
  // The server's user reads the authority's certificate.
  await chmod(folder, 0o755);
  const authority = await makeAuthority();
  const file = (name: string) => join(folder, name);
  const { cert, key } = await authority.issue();
  await writeFile(file('pebble.crt'), cert);
  await writeFile(file('pebble.key'), key);
  await writeFile(file('ca.crt'), authority.cert);
  const [proofPort = 0, port, management, dns, names] = await freePorts(5);
  const settings = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: file('pebble.crt'),
    privateKey: file('pebble.key'),
    ...{ httpPort: proofPort, tlsPort: proofPort, certificateValidityPeriod: lifeSeconds },
    retryAfter: { authz: 1, order: 1 },
  };
  await writeFile(file('pebble.json'), JSON.stringify({ pebble: settings }));
  const env = { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0' };
  const run = (...argv: string[]) => startCommand(argv, { stdio: ['ignore', 'pipe', 'ignore'], env });
  const off = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-doh', '', '-defaultIPv6', ''];
  const programs = [
    run('pebble-challtestsrv', '-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${names}`, ...off),
    run('pebble', '-config', file('pebble.json'), '-dnsserver', `127.0.0.1:${dns}`),
  ];
  await Promise.all(programs.map((each) => untilItSays(each, /directory available|Starting management/)));
  const stop = () => {
    for (const each of programs) each.kill();
  };
  return {
    directory: `https://127.0.0.1:${port}/dir`,
    ca: { file: file('ca.crt'), pem: authority.cert },
    proofPort,
    stop,
    async [Symbol.asyncDispose]() {
      stop();
      await authority[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function untilItSays({ stdout }: ChildProcess, words: RegExp): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let said = '';
  stdout?.on('data', (chunk) => {
    said += chunk;
    if (words.test(said)) resolve();
  });
  await promise;
}
