import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseApihost, readLocalKey, registryAt, resolveSettings, type SettingSources } from './settings.ts';

const localKey = { value: 'local:key', source: '/data/guest.auth' };

function resolve(overrides: Partial<SettingSources>) {
  return resolveSettings({
    flags: {},
    env: {},
    wskprops: { path: '/home/.wskprops', properties: {} },
    localKey: () => localKey,
    localAddress: () => undefined,
    ...overrides,
  });
}

const everywhere = {
  flags: { apihost: 'http://flag', auth: 'flag:1' },
  env: {
    WARD_APIHOST: 'http://ward',
    WARD_AUTH: 'ward:1',
    WHISK_APIHOST: 'http://whisk',
    WHISK_AUTH: 'whisk:1',
  },
  wskprops: { path: '/home/.wskprops', properties: { APIHOST: 'http://props', AUTH: 'props:1' } },
};

test.each([
  ['a flag first', everywhere, 'http://flag', 'flag:1', '--apihost'],
  ['then WARD_*', { ...everywhere, flags: {} }, 'http://ward', 'ward:1', 'WARD_APIHOST'],
  [
    'then WHISK_*',
    {
      ...everywhere,
      flags: {},
      env: { ...everywhere.env, WARD_APIHOST: '', WARD_AUTH: '' },
    },
    'http://whisk',
    'whisk:1',
    'WHISK_APIHOST',
  ],
  ['then .wskprops', { ...everywhere, flags: {}, env: {} }, 'http://props', 'props:1', '/home/.wskprops'],
  ['then the server of this machine', {}, 'http://127.0.0.1:3233', 'local:key', 'this machine'],
])('takes %s', (_, sources, apihost, auth, source) => {
  const settings = resolve(sources);
  expect(settings.apihost).toEqual({ value: apihost, source });
  expect(settings.auth?.value).toBe(auth);
});

test('the server of this machine is where it says, and gets its own key', () => {
  const settings = resolve({ localAddress: () => 'https://ward.example.org:3233' });
  expect(settings.apihost).toEqual({ value: 'https://ward.example.org:3233', source: 'this machine' });
  expect(settings.auth).toEqual(localKey);
});

test.each(['https://ward.example.org', 'http://10.0.0.1:3233', 'http://127.0.0.1.example.org'])(
  'never uses the key of this machine for %s',
  (apihost) => {
    const settings = resolve({
      flags: { apihost },
      localKey: () => {
        throw new Error('looked up');
      },
    });
    expect(settings.auth).toBeUndefined();
  },
);

test.each([
  ['https://ward.example.org/', 'https://ward.example.org'],
  ['https://ward.example.org/base/', 'https://ward.example.org/base'],
  ['ward.example.org', 'https://ward.example.org'],
  ['localhost:3233', 'http://localhost:3233'],
  ['127.0.0.1:3233', 'http://127.0.0.1:3233'],
  ['[::1]:3233', 'http://[::1]:3233'],
])('reads the address %s as %s', (text, expected) => {
  expect(parseApihost(text, '--apihost')).toBe(expected);
});

test('the registry is at the host, also of a server below a path', () => {
  expect(registryAt('https://example.com:8443/ward')).toBe('https://example.com:8443');
});

test.each([
  'ftp://host',
  'http://',
  'http://user:secret@host',
  'http://host/?key=1',
  'http://host/ward#a',
  'http://:p@host',
  'a b',
])('refuses the address %s', (text) => {
  expect(() => parseApihost(text, '--apihost')).toThrow(
    expect.objectContaining({ code: 'SETTING_INVALID', kind: 'invalid' }),
  );
});

test.each(['no-colon', 'a:b c', ':x', 'x:'])('refuses the key %j and does not repeat it', (auth) => {
  expect(() => resolve({ flags: { auth } })).toThrow(/^the key from --auth is not of the form uuid:secret$/);
});

test('reads namespace and insecure', () => {
  expect(resolve({}).namespace.value).toBe('_');
  expect(resolve({ env: { WARD_NAMESPACE: 'acme' } }).namespace.value).toBe('acme');
  expect(resolve({}).insecure).toBe(false);
  expect(resolve({ flags: { insecure: true } }).insecure).toBe(true);
  const properties = { INSECURE_SSL: 'true' };
  expect(resolve({ wskprops: { path: '', properties } }).insecure).toBe(true);
});

test('reads the local key, and works without one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ward-settings-'));
  try {
    expect(readLocalKey(folder)).toBeUndefined();
    await writeFile(join(folder, 'guest.auth'), 'id:secret\n');
    expect(readLocalKey(folder)).toEqual({ value: 'id:secret', source: join(folder, 'guest.auth') });
  } finally {
    await rm(folder, { recursive: true });
  }
});
