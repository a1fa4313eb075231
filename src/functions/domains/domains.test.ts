import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { parseNamespaceName } from '../entities/names.ts';
import { type Platform, startPlatform } from '../platform.fixture.ts';
import { type DnsServer, startDnsServer } from './dns-server.fixture.ts';
import type { DomainService } from './domains.ts';
import { txtResolverOf } from './txt-records.ts';

const stack = new AsyncDisposableStack();
const guest = parseNamespaceName('guest');
const rival = parseNamespaceName('rival');
/** Of what the authority has for names. */
const certificate = {
  ...{ issuer: 'An Authority', until: 1, triedAt: 1, failures: 0, error: null, nextTryAt: 1 },
};
const record = '_ward-challenge.shop.example';
let dns: DnsServer;
let platform: Platform;
let domains: DomainService;

beforeAll(async () => {
  dns = stack.use(await startDnsServer());
  const resolveTxt = txtResolverOf([dns.address]);
  platform = stack.use(
    await startPlatform({
      domains: { ownNames: ['api.ward.example'], resolveTxt, certificateOf: async () => certificate },
      lookEveryMs: 20,
    }),
  );
  ({ domains } = platform.functions);
  await platform.functions.namespaces.create('rival');
});
afterAll(() => stack.disposeAsync());
beforeEach(async () => {
  dns.records.clear();
  for (const namespace of [guest, rival])
    for (const { name } of await domains.list(namespace)) await domains.delete(namespace, String(name));
});

/** Claims the domain, and returns the text that proves it. */
async function claim(namespace: typeof guest, name = 'shop.example', body: object = { package: 'shop' }) {
  const { challenge } = await domains.put(namespace, name, { ...body });
  return String(Object(challenge).value);
}

test('a claim serves nothing before DNS has its own token', async () => {
  const [mine, theirs] = [await claim(guest), await claim(rival)];
  expect(mine).not.toBe(theirs);
  const verify = () => domains.verify(guest, 'Shop.Example.');
  await expect(verify()).rejects.toMatchObject({ code: 'DOMAIN_UNPROVED' });
  dns.records.set(record, [theirs, `${mine}x`, mine.slice(1)]);
  await expect(verify()).rejects.toMatchObject({ code: 'DOMAIN_UNPROVED' });
  expect(domains.served('shop.example')).toBeUndefined();
  dns.records.set(record, ['v=spf1 -all', mine]);
  expect(await verify()).toMatchObject({ name: 'shop.example', isProved: true });
  const target = { kind: 'package', package: 'shop' };
  for (const host of ['shop.example', 'SHOP.example:8443', 'shop.example.'])
    expect(domains.served(host)).toMatchObject({ name: 'shop.example', namespace: 'guest', target });
  for (const host of ['a.shop.example', 'example', 'shop.example.com', '', '__proto__'])
    expect(domains.served(host)).toBeUndefined();
});

test('another namespace takes over only when its own record is there and the owner’s is gone', async () => {
  const mine = await claim(guest);
  dns.records.set(record, [mine]);
  await domains.verify(guest, 'shop.example');
  const theirs = await claim(rival, 'shop.example', { api: '/v1' });
  // Only the owner sees it.
  expect(await domains.list(rival)).toMatchObject([{ certificate: null }]);
  expect(await domains.list(guest)).toMatchObject([{ certificate }]);
  const take = () => domains.verify(rival, 'shop.example');
  await expect(take()).rejects.toMatchObject({ code: 'DOMAIN_UNPROVED' });
  dns.records.set(record, [mine, theirs]);
  await expect(take()).rejects.toMatchObject({ code: 'DOMAIN_TAKEN' });
  dns.records.set(record, 'failing');
  await expect(take()).rejects.toMatchObject({ code: 'DOMAIN_UNRESOLVED' });
  expect(domains.served('shop.example')).toMatchObject({ namespace: 'guest' });
  dns.records.set(record, [theirs]);
  expect(await take()).toMatchObject({ isProved: true, api: '/v1' });
  expect(domains.served('shop.example')).toMatchObject({ namespace: 'rival' });
  expect(await domains.get(guest, 'shop.example')).toMatchObject({ isProved: false, provedAt: null });
  await expect(domains.verify(guest, 'shop.example')).rejects.toMatchObject({ code: 'DOMAIN_UNPROVED' });
});

test('a namespace asks DNS once at a time, and what DNS cannot tell proves nothing', async () => {
  await claim(guest);
  dns.records.set(record, 'failing');
  const first = domains.verify(guest, 'shop.example');
  const second = domains.verify(guest, 'shop.example');
  await expect(second).rejects.toMatchObject({ code: 'DOMAIN_BUSY' });
  await expect(first).rejects.toMatchObject({ code: 'DOMAIN_UNRESOLVED' });
  await expect(domains.verify(guest, 'shop.example')).rejects.toMatchObject({ code: 'DOMAIN_UNRESOLVED' });
});

test('names of the server, bad targets and too many claims are refused', async () => {
  const refused = async (name: string, body: object = { package: 'shop' }) =>
    domains.put(guest, name, { ...body }).then(
      () => 'stored',
      ({ code }) => code,
    );
  // `ward.test` is in the server's URL.
  for (const name of ['ward.test', 'api.ward.example', 'ward.example'])
    expect([name, await refused(name)]).toEqual([name, 'DOMAIN_RESERVED']);
  for (const body of [{}, { package: 'a', api: '/a' }, { package: 7 }, { api: ['/a'] }, { package: null }])
    expect(await refused('shop.example', body)).toBe('BODY_INVALID');
  expect(await refused('shop.example', { package: 'a/b' })).toBe('NAME_INVALID');
  expect(await refused('shop.example', { api: '/{id}' })).toBe('API_INVALID');
  for (let at = 0; at < 50; at++) expect(await refused(`${at}.shop.example`)).toBe('stored');
  expect(await refused('one-more.example')).toBe('DOMAINS_EXHAUSTED');
  expect(await refused('0.shop.example', { package: 'default' })).toBe('stored');
});

test('another server serves it soon after, and no longer when it is deleted', async () => {
  const other = await platform.restart();
  const seen = () => other.domains.served('shop.example')?.target;
  dns.records.set(record, [await claim(guest)]);
  await domains.verify(guest, 'shop.example');
  await expect.poll(seen).toEqual({ kind: 'package', package: 'shop' });
  await claim(guest, 'shop.example', { api: '/v2/' });
  expect(domains.served('shop.example')).toMatchObject({ target: { kind: 'api', basePath: '/v2' } });
  await expect.poll(seen).toEqual({ kind: 'api', basePath: '/v2' });
  const third = await platform.restart();
  await third.domains.load();
  expect(third.domains.served('shop.example')).toMatchObject({ namespace: 'guest' });
  await domains.delete(guest, 'shop.example');
  expect(domains.served('shop.example')).toBeUndefined();
  await expect.poll(seen).toBeUndefined();
  await expect(domains.delete(guest, 'shop.example')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(domains.verify(guest, 'shop.example')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
