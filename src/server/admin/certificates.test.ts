import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseNamespaceName } from '../../functions/index.ts';
import { makeAuthority } from '../../lib/key-pairs.fixture.ts';
import { openStore } from '../../store/index.ts';
import { causeOf } from '../acme/advice.ts';
import { domainCertificate } from '../acme/kept.ts';
import { OrderBudget } from '../acme/order-budget.ts';
import { dataPaths } from '../instance/instance.ts';
import { listCertificates } from './certificates.ts';
import { viewStatus } from './nodes.ts';

const dayMs = 86_400_000;

test('lists the certificate of the server, of domains and of files, with what to do', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'ward-certificates-'));
  onTestFinished(() => rm(dataDir, { recursive: true }));
  await using authority = await makeAuthority();
  const file = join(dataDir, 'other.crt');
  const key = join(dataDir, 'other.key');
  const pair = await authority.issue(['other.example']);
  await writeFile(file, pair.cert);
  await writeFile(key, pair.key);
  const configFile = join(dataDir, 'config.yaml');
  const tls = (more: string) => `tls: { acme: { names: [a.example, b.example], agree: true }${more} }\n`;
  await writeFile(configFile, tls(`, others: [{ cert: ${file}, key: ${key} }, { cert: /none, key: /none }]`));
  const place = { dataDir, configFile };
  await using store = await openStore({ path: dataPaths(dataDir).database });
  const nothing = { triedAt: null, failures: 0, error: null, hint: null };
  const own = { ...nothing, name: 'a.example b.example', until: null, isUrgent: true };
  expect(await listCertificates(place)).toEqual([
    { ...nothing, name: file, until: expect.any(Number), isUrgent: true },
    {
      ...nothing,
      name: '/none',
      until: null,
      isUrgent: true,
      error: expect.any(String),
      hint: expect.any(String),
    },
    own,
  ]);
  await writeFile(key, (await authority.issue()).key);
  expect((await listCertificates(place))[0]).toMatchObject({
    ...{ until: expect.any(Number), error: expect.stringContaining('is not the key'), isUrgent: true },
  });
  await writeFile(configFile, tls(''));
  await store.namespaces.create({
    ...{ name: 'guest', keyId: 'k', keyHash: 'h', createdAt: 1, settings: {}, limits: {} },
  });
  const shop = { namespace: 'guest', name: 'shop.example', token: 't', createdAt: 1 };
  const claim = { ...shop, target: { kind: 'package', package: 'default' } as const, provedAt: null };
  await store.domains.put(claim, 10);
  await store.domains.prove(claim, undefined, 1);
  const put = (name: string, days: number, more: object = {}) => {
    const times = { until: Date.now() + days * dayMs, dueAt: 0, triedAt: 1 };
    const document = { sealed: null, ...times, failures: 0, error: null, ...more };
    return store.acme.put({ kind: 'certificate', name, document }, null);
  };
  await put('a.example b.example', 8);
  await put('shop.example', 6, { failures: 3, error: 'urn:ietf:params:acme:error:rateLimited' });
  await put('gone.example', 6);
  await put('earlier.example b.example', 6);
  expect(await listCertificates(place)).toMatchObject([
    { name: 'a.example b.example', isUrgent: false, hint: null, triedAt: 1 },
    { name: 'shop.example', isUrgent: true, failures: 3, hint: expect.stringContaining('wait') },
  ]);
  const budget = new OrderBudget(store.acme, { namespace: 25, all: 100 });
  for (let i = 0; i < 25; i++) await budget.take('guest');
  expect(await listCertificates(place)).toMatchObject([
    { name: 'a.example b.example', error: null },
    {
      name: 'shop.example',
      error: expect.stringContaining('its 25 orders'),
      hint: expect.stringContaining('raise'),
    },
  ]);
  const secret = {
    failures: 1,
    error: 'https://10.0.0.1/dir does not answer: refused',
    issuer: 'An Authority',
  };
  await put('slow.example', 9, secret);
  const shown = (name: string) =>
    domainCertificate({ ...store, budget }, { name, namespace: parseNamespaceName('other') }, 'ordered');
  expect(await shown('slow.example')).toEqual({
    ...{ issuer: 'An Authority', until: expect.any(Number), triedAt: 1, failures: 1, nextTryAt: 0 },
    error: 'the authority does not answer',
  });
  expect(await shown('shop.example')).toMatchObject({ issuer: null, failures: 3 });
  expect(await shown('none.example')).toBeUndefined();
  expect((await viewStatus(place)).certificates).toEqual(await listCertificates(place));
  await writeFile(configFile, 'logLevel: warn\n');
  expect(await listCertificates(place)).toEqual([]);
});

test.each([
  ['https://a/dir does not answer: self-signed certificate', /NODE_EXTRA_CA_CERTS/],
  ['Error creating new order :: too many certificates already issued', /wait/],
  ['CAA record for a.example prevents issuance', /CAA record/],
  ['DNS problem: NXDOMAIN looking up A for a.example', /in DNS/],
  ['10.0.0.1: Fetching http://a.example/: Connection refused', /port 80/],
  ['something else', /the log/],
])('about %j says what to do', (error, hint) => {
  expect(causeOf(error).hint).toMatch(hint);
});
