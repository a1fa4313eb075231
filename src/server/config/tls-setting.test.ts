import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from './config.ts';

const pair = { cert: '/a.crt', key: '/a.key' };
const acme = (...names: readonly string[]) => ({ names, agree: true });
const below = 'https://example.com/ward';

/** With `apiHost` in the file, and in the environment. */
async function load(apiHost: string, tls: object) {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-tls-setting-'));
  const configFile = join(folder.path, 'ward.yaml');
  await writeFile(configFile, JSON.stringify({ tls, apiHost }));
  const fromFile = loadConfig({ configFile }, {});
  await fromFile.catch(() => {});
  await writeFile(configFile, JSON.stringify({ tls }));
  return await Promise.allSettled([fromFile, loadConfig({ configFile }, { WARD_API_HOST: apiHost })]);
}

test.each<[what: string, apiHost: string, tls: object]>([
  ['a host of its own', 'https://example.com/', { acme: acme('example.com'), redirect: ':80' }],
  ['a port', 'https://example.com:8443', { ...pair, redirect: ':80' }],
  ['files, between the proxy and Ward', below, { ...pair, hstsSeconds: 0 }],
  ['a name that is not the host of the proxy', below, { acme: acme('inner.example.com') }],
])('a URL with %s is accepted', async (_what, apiHost, tls) => {
  const accepted = { status: 'fulfilled' };
  expect(await load(apiHost, tls)).toMatchObject([accepted, accepted]);
});

test.each<[what: string, apiHost: string, tls: object, settings: string, hint: RegExp]>([
  [
    ...(['a redirect', below, { ...pair, redirect: ':80' }, 'tls.redirect'] as const),
    /^remove tls\.redirect, .* let the proxy lead http to https; or remove \/ward from apiHost/,
  ],
  [
    ...(['a name of the proxy', below, { acme: acme('a.example', 'example.com') }, 'tls.acme'] as const),
    /^remove tls\.acme, .* let the proxy get the certificate of example\.com; or/,
  ],
  [
    'both',
    'https://EXAMPLE.com:8443/a/b/',
    { acme: acme('example.com'), redirect: ':80' },
    'tls.redirect and tls.acme',
    /^remove tls\.redirect and tls\.acme, .*lead http to https.*example\.com; or remove \/a\/b from apiHost/,
  ],
])('below a prefix, %s is refused', async (_what, apiHost, tls, settings, hint) => {
  const start = new RegExp(`^${settings} do(?:es)? not go with the path /[^ ]* in apiHost`);
  const reason = {
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(start),
    hint: expect.stringMatching(hint),
  };
  expect(await load(apiHost, tls)).toMatchObject([{ reason }, { reason }]);
});
