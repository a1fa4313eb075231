/** A real OpenID provider, and the real API that trusts it, for tests of logins. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { expect, vi } from 'vitest';
import { startApi, type TestApi } from '../../api/api.fixture.ts';
import { silentLog, startCommand } from '../../lib/index.ts';
import { createIssuerKeys, createTokens, loadIssuerKeys } from '../../oidc/index.ts';
import { deviceClient, startProvider, type TestProvider } from '../../oidc/provider.fixture.ts';
import { launcher } from '../cli.fixture.ts';

export interface LoginPlace extends AsyncDisposable {
  readonly provider: TestProvider;
  readonly api: TestApi;
  readonly apihost: string;
  /** For settings files. */
  readonly folder: string;
  /** What a command sees that uses a settings file. */
  envFor(file: string): Readonly<Record<string, string>>;
}

/** This process trusts the provider until the end. */
export async function startLoginPlace(): Promise<LoginPlace> {
  const usual = getCACertificates('default');
  const provider = await startProvider();
  const { issuer, authority } = provider;
  setDefaultCACertificates([...usual, authority.cert]);
  const load = loadIssuerKeys({
    listed: [{ issuer, ca: authority.cert }],
    ceiling: { public: false, rules: [] },
    rulesOf: async () => undefined,
  });
  const tokens = createTokens({ issuerKeys: createIssuerKeys({ load, log: silentLog }) });
  const client = { clientId: deviceClient, scopes: 'openid offline_access' };
  const grants = [
    { claims: { groups: ['ops'] }, namespace: 'guest', role: 'viewer' as const },
    { claims: { groups: ['shop'] }, namespace: 'guest', role: 'admin' as const },
  ];
  const login = { issuer, client, console: undefined, keyMs: 90_000, grants, audiences: [deviceClient] };
  const ciGrants = [{ claims: { sub: ['robot'] }, namespace: 'guest', role: 'deployer' as const }];
  const pipeline = { ...login, client: undefined, grants: ciGrants, audiences: ['https://ci.example.com'] };
  const api = await startApi({ logins: { logins: [login, pipeline], tokens } });
  const apihost = await api.app.listen({ port: 0, host: '127.0.0.1' });
  const folder = await mkdtemp(join(tmpdir(), 'ward-login-'));
  return {
    ...{ provider, api, apihost, folder },
    envFor: (file) => ({ WSK_CONFIG_FILE: file, WARD_APIHOST: apihost }),
    async [Symbol.asyncDispose]() {
      setDefaultCACertificates(usual);
      await api[Symbol.asyncDispose]();
      await provider[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

export async function keyIn(file: string): Promise<string> {
  return /^AUTH=(.*)$/m.exec(await readFile(file, 'utf8'))?.[1] ?? '';
}

/** Lets the key of a login expire. Tokens of the same second are the same token, so it waits for the next. */
export async function expireLogin(file: string): Promise<void> {
  const nextSecond = Math.ceil(Date.now() / 1000) * 1000;
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(nextSecond), 2000);
  const path = `${file}.login`;
  await writeFile(path, (await readFile(path, 'utf8')).replace(/"expiresAt":\d+/, '"expiresAt":1'));
}

export interface RunningWard extends AsyncDisposable {
  /** Standard error so far. */
  said(): string;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

/** Starts the real launcher in a process of its own, which trusts the provider. */
export function startWard(place: LoginPlace, file: string, ...words: string[]): RunningWard {
  const child = startCommand([process.execPath, launcher, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...{
        PATH: process.env['PATH'],
        HOME: place.folder,
        NODE_EXTRA_CA_CERTS: place.provider.authority.file,
      },
      ...place.envFor(file),
    },
  });
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new TypeError('no pipes');
  let said = '';
  stderr.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  const ended = (async () => {
    const printed = text(stdout);
    const [code] = await new Promise<[number | null]>((resolve) => {
      child.once('close', (exitCode) => resolve([exitCode]));
    });
    return { code, stdout: await printed, stderr: said };
  })();
  return {
    said: () => said,
    kill: (signal) => void child.kill(signal),
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
