/** `ward domain`, against a stand-in for the API; test/web-actions.test.ts has the real one. */
import { afterAll, beforeEach, expect, test } from 'vitest';
import { startBench } from '../cli.fixture.ts';

const bench = await startBench();
const { api, ward } = bench;
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  api.requests.length = 0;
  api.answers.clear();
});

const url = '/ward/v1/domains';
const claim = {
  name: 'shop.example',
  package: 'shop',
  isProved: false,
  createdAt: 1_767_261_600_000,
  provedAt: null,
  challenge: { type: 'TXT', name: '_ward-challenge.shop.example', value: 'f00d' },
};
const proved = { ...claim, isProved: true, provedAt: 1_767_261_700_000 };

const certificate = {
  ...{ issuer: 'An Authority', until: 1_775_261_700_000, triedAt: 1_767_261_800_000 },
  ...{ failures: 2, error: 'the authority does not answer', nextTryAt: 1_798_761_600_000 },
};

test('get and list show the certificate, and why there is no newer one', async () => {
  api.answers.set(`GET ${url}/shop.example`, { body: { ...proved, certificate } });
  api.answers.set(`GET ${url}`, { body: [{ ...proved, certificate }, claim] });
  expect((await ward(['domain', 'get', 'shop.example'])).stdout).toMatch(
    /\ncertificate until +2026-\S+ \S+\nissuer +An Authority\nlast failure +2026-\S+ \S+: the authority does not answer \(2 times\)\nnext try +2027-\S+ \S+\n/,
  );
  expect((await ward(['domain', 'list', '-o', 'wide'])).stdout).toMatch(
    /shop\.example +package shop .* An Authority +2026-.*not answer \(2 times\) +2027-/,
  );
  const waiting = { triedAt: null, failures: 0, error: 'the namespace has used up its orders' };
  api.answers.set(`GET ${url}/shop.example`, {
    body: { ...proved, certificate: { ...certificate, ...waiting, until: null, issuer: null } },
  });
  expect((await ward(['domain', 'get', 'shop.example'])).stdout).toMatch(
    /\ncertificate until +none yet\n.*\nlast failure +the namespace has used up its orders\nnext try +2027-/,
  );
});

test('create shows the record, and what to do with it', async () => {
  api.answers.set(`PUT ${url}/shop.example`, { body: claim });
  const { stdout, stderr } = await ward(['domain', 'create', 'shop.example', '--package', 'shop']);
  expect(stderr).toBe(
    'ok: claimed shop.example; create the TXT record, then: ward domain verify shop.example\n',
  );
  expect(stdout).toMatch(/\nproved +no\nTXT record +_ward-challenge\.shop\.example\nits text +f00d\n/);
  await ward(['domain', 'create', 'shop.example', '--api', '/v1']);
  expect(api.requests.map(({ body }) => body)).toEqual([{ package: 'shop' }, { api: '/v1' }]);
  for (const more of [[], ['--api', '/v1', '--package', 'shop']])
    expect((await ward(['domain', 'create', 'shop.example', ...more])).code).toBe(2);
});

test('verify, list, get and delete', async () => {
  api.answers.set(`POST ${url}/shop.example/verify`, { body: proved });
  api.answers.set(`GET ${url}`, {
    body: [claim, { ...proved, name: 'z.example', package: undefined, api: '/v1' }],
  });
  api.answers.set(`GET ${url}/shop.example`, { body: claim });
  api.answers.set(`DELETE ${url}/shop.example`, { status: 204, body: '' });
  expect((await ward(['domain', 'verify', 'shop.example'])).stderr).toBe(
    'ok: shop.example is proved, and serves package shop\n',
  );
  expect((await ward(['domain', 'list'])).stdout).toMatch(
    /shop\.example +package shop +no\nz\.example +API \/v1 +2026/,
  );
  expect(JSON.parse((await ward(['domain', 'get', 'shop.example', '-o', 'json'])).stdout)).toEqual(claim);
  expect((await ward(['domain', 'delete', 'shop.example'])).stderr).toBe('ok: deleted domain shop.example\n');
});
