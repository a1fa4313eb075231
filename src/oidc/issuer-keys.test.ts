import type { JWTVerifyGetKey } from 'jose';
import { expect, test, vi } from 'vitest';
import { silentLog } from '../lib/index.ts';
import { parseIssuer } from './issuer.ts';
import { createIssuerKeys, type KeyOwner } from './issuer-keys.ts';
import { issuer } from './tokens.fixture.ts';

const second = 1000;
const minute = 60 * second;
const unavailable = { code: 'OIDC_UNAVAILABLE', kind: 'busy' };
const owner: KeyOwner = { issuer, namespace: 'guest' };

/** Keys that differ from all others. */
const fresh = (): JWTVerifyGetKey => () => {
  throw new Error('not used');
};

function start() {
  const clock = { now: 1_000_000 };
  const load = vi.fn<(owner: KeyOwner) => Promise<JWTVerifyGetKey>>(async () => fresh());
  const issuerKeys = createIssuerKeys({ load, log: silentLog, now: () => clock.now });
  return { clock, load, issuerKeys };
}

const another = (number: number): KeyOwner => {
  const made = parseIssuer(`https://login${number}.example.com`);
  if (made === undefined) throw new TypeError('not an issuer');
  return { issuer: made, namespace: 'guest' };
};

test('keys are read once for callers that come together, and kept', async () => {
  const { issuerKeys, load, clock } = start();
  const [one, two] = await Promise.all([issuerKeys.keys(owner), issuerKeys.keys(owner)]);
  clock.now += 5 * minute - 1;
  expect(await issuerKeys.keys(owner)).toBe(one);
  expect(two).toBe(one);
  expect(load).toHaveBeenCalledTimes(1);
});

test('old keys are renewed beside the call that needs them', async () => {
  const { issuerKeys, load, clock } = start();
  const old = await issuerKeys.keys(owner);
  const { promise, resolve } = Promise.withResolvers<JWTVerifyGetKey>();
  load.mockReturnValueOnce(promise);
  clock.now += 5 * minute;
  expect(await issuerKeys.keys(owner)).toBe(old);
  expect(await issuerKeys.keys(owner)).toBe(old);
  const next = fresh();
  resolve(next);
  await vi.waitFor(async () => expect(await issuerKeys.keys(owner)).toBe(next));
  expect(load).toHaveBeenCalledTimes(2);
});

test('keys that could not be renewed are used for a quarter of an hour, and tried every ten seconds', async () => {
  const { issuerKeys, load, clock } = start();
  const old = await issuerKeys.keys(owner);
  load.mockRejectedValue(new Error('down'));
  for (let age = 5 * minute; age < 15 * minute; age += second) {
    clock.now = 1_000_000 + age;
    expect(await issuerKeys.keys(owner)).toBe(old);
    // The try of this second ends before the next one.
    await Promise.resolve().then(() => {});
  }
  expect(load).toHaveBeenCalledTimes(1 + 60);
  clock.now = 1_000_000 + 15 * minute;
  await expect(issuerKeys.keys(owner)).rejects.toMatchObject(unavailable);
});

test('an issuer without keys is asked again after ten seconds', async () => {
  const { issuerKeys, load, clock } = start();
  load.mockRejectedValueOnce(new Error('connect ECONNREFUSED 10.0.0.1'));
  const refusal = await issuerKeys.keys(owner).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ ...unavailable, retryAfterMs: 10_000 });
  expect(String(refusal)).not.toContain('10.0.0.1');
  clock.now += 10 * second - 1;
  await expect(issuerKeys.keys(owner)).rejects.toMatchObject(unavailable);
  expect(load).toHaveBeenCalledTimes(1);
  clock.now += 1;
  await expect(issuerKeys.keys(owner)).resolves.toBeDefined();
});

test('unknown keys make Ward ask once in thirty seconds', async () => {
  const { issuerKeys, load, clock } = start();
  await issuerKeys.keys(owner);
  expect(await issuerKeys.newerKeys(owner)).toBeUndefined();
  clock.now += 30 * second;
  const { promise, resolve } = Promise.withResolvers<JWTVerifyGetKey>();
  load.mockReturnValueOnce(promise);
  const both = [issuerKeys.newerKeys(owner), issuerKeys.newerKeys(owner)];
  const next = fresh();
  resolve(next);
  expect(await Promise.all(both)).toEqual([next, next]);
  expect(await issuerKeys.newerKeys(owner)).toBeUndefined();
  expect(load).toHaveBeenCalledTimes(2);
  expect(await issuerKeys.keys(owner)).toBe(next);
});

test('a failure for an unknown key leaves the known keys', async () => {
  const { issuerKeys, load, clock } = start();
  const old = await issuerKeys.keys(owner);
  clock.now += 30 * second;
  load.mockRejectedValueOnce(new Error('down'));
  await expect(issuerKeys.newerKeys(owner)).rejects.toMatchObject(unavailable);
  expect(await issuerKeys.keys(owner)).toBe(old);
});

test('a namespace has sixteen issuers, and loses a place only to one that is idle', async () => {
  const { issuerKeys, load, clock } = start();
  for (let i = 0; i < 16; i++) await issuerKeys.keys(another(i));
  await expect(issuerKeys.keys(another(16))).rejects.toMatchObject({
    ...unavailable,
    message: 'The namespace uses 16 OpenID issuers already, which is the most.',
  });
  expect(load).toHaveBeenCalledTimes(16);
  await issuerKeys.keys({ ...another(16), namespace: 'other' });
  await issuerKeys.keys({ ...another(16), namespace: undefined });
  clock.now += 9 * minute;
  for (let i = 1; i < 16; i++) await issuerKeys.keys(another(i));
  clock.now += minute;
  await issuerKeys.keys(another(16));
  await expect(issuerKeys.keys(another(17))).rejects.toMatchObject(unavailable);
});

test('issuers of a namespace whose name begins with that of another take none of its places', async () => {
  const { issuerKeys } = start();
  for (let i = 0; i < 16; i++) await issuerKeys.keys({ ...another(i), namespace: 'guest room' });
  await expect(issuerKeys.keys(owner)).resolves.toBeDefined();
});

test('the issuers of one namespace are not those of another, nor the operator’s', async () => {
  const { issuerKeys, load } = start();
  const all = [owner, { ...owner, namespace: 'other' }, { ...owner, namespace: undefined }];
  const found = await Promise.all(all.map((each) => issuerKeys.keys(each)));
  expect(new Set(found).size).toBe(3);
  expect(load.mock.calls.map(([each]) => each)).toEqual(all);
});
