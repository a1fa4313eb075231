import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../config/config.ts';
import { readSecrets } from './secrets.ts';

test('the configuration and the secrets are plain data that can be sent to another process', async () => {
  await using place = await start();
  const configFile = join(place.folder, 'ward.yaml');
  const lines = [
    'apiHost: https://ward.example.com',
    'invoker: { memoryMiB: 512, prewarm: [] }',
    'kindAliases: { "nodejs:99": "nodejs:24" }',
    'limits: { codeBytes: 22m, cpus: { max: 2 }, timeoutMs: { max: 1000 } }',
    `parameters: { keyFile: ${place.keyFile} }`,
    `metrics: { tokenFile: ${place.tokenFile} }`,
    'web: { trustedProxies: [127.0.0.1], perAddress: { perSecond: 0.5, burst: 1 } }',
    'sandbox: { runtime: crun, memory: 1g, egress: { resolvers: [1.1.1.1] }, allow: { capabilities: [CHOWN], egress: [public, { cidr: 10.20.0.5, ports: [5432] }, { host: "*.example.com", ports: [443] }] } }',
  ];
  await writeFile(configFile, lines.join('\n'));
  const config = await loadConfig({ configFile }, {});
  const secrets = await readSecrets(config, {});
  expect(secrets).toMatchObject({ metricsToken: place.token, parameterKeys: { lines: [place.key] } });
  const value = { config, secrets };
  const given: unknown = JSON.parse(JSON.stringify(value));
  // Except undefined keys, which are omitted.
  expect(given).toEqual(value);
});

test('returns no secrets without files', async () => {
  const nothing = await readSecrets(
    {
      parameters: { keyFile: undefined },
      metrics: { tokenFile: undefined, actionsPerNamespace: 0 },
      store: { engine: 'sqlite' },
    },
    {},
  );
  expect(nothing).toEqual({ parameterKeys: undefined, metricsToken: undefined });
});

test.each(['/dev/null', '/nowhere'])('a token in %s is refused', async (tokenFile) => {
  const reading = readSecrets(
    {
      parameters: { keyFile: undefined },
      metrics: { tokenFile, actionsPerNamespace: 0 },
      store: { engine: 'sqlite' },
    },
    {},
  );
  await expect(reading).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

async function start() {
  const folder = await mkdtemp(join(tmpdir(), 'ward-secrets-'));
  const [keyFile, tokenFile] = [join(folder, 'keys'), join(folder, 'token')];
  const key = `a:${Buffer.alloc(32, 1).toString('base64')}`;
  const token = 't'.repeat(16);
  await writeFile(keyFile, `${key}\n`, { mode: 0o600 });
  await writeFile(tokenFile, `${token}\n`, { mode: 0o600 });
  return {
    ...{ folder, keyFile, tokenFile, key, token },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
