/** Pairs that no client would accept are refused, and new ones are noticed. */
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type Log, mustRun, silentLog } from '../../lib/index.ts';
import { makeAuthority, type TestAuthority, type TestPair } from '../../lib/key-pairs.fixture.ts';
import { givenTls, type KeyPair, readKeyPair, urlNamedIn } from './key-pair.ts';
import { watchKeyPair, watchKeyPairs } from './watch-key-pair.ts';

let folder: string;
let authority: TestAuthority;
let good: TestPair;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-pair-'));
  authority = await makeAuthority();
  good = await authority.issue(['ward.example.com', '*.wild.example']);
});
afterAll(async () => {
  await authority?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const filesIn = (name: string) => ({ cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) });
async function write(name: string, { cert, key }: TestPair) {
  const files = filesIn(name);
  await writeFile(files.cert, cert);
  await writeFile(files.key, key);
  return files;
}
const lockedKey = async () => {
  const { key } = await write('locked', good);
  return mustRun(['openssl', 'pkey', '-in', key, '-aes128', '-passout', 'pass:x']);
};
const weakPair = async () => {
  const { cert, key } = filesIn('weak');
  const made = ['openssl', 'req', '-x509', '-newkey', 'rsa:1024', '-noenc', '-subj', '/CN=x'];
  await mustRun([...made, '-keyout', key, '-out', cert]);
  return filesIn('weak');
};
const day = 24 * 60 * 60 * 1000;

test('a pair is read; a chain may follow the certificate', async () => {
  const pair = { ...good, cert: good.cert + authority.cert };
  expect(await readKeyPair(await write('good', pair), Date.now())).toEqual(pair);
});

test.each<
  [what: string, files: () => Promise<{ cert: string; key: string }>, message: RegExp, days?: number]
>([
  ['a missing file', async () => filesIn('absent'), /^tls\.\w+: ENOENT/],
  ['no certificate', () => write('none', { ...good, cert: 'x' }), /holds no certificate in PEM/],
  ['no key', () => write('keyless', { ...good, key: 'x' }), /holds no private key in PEM/],
  [
    'a key with a passphrase',
    async () => write('locked', { ...good, key: await lockedKey() }),
    /needs a passphrase/,
  ],
  [
    'the key of another',
    async () => write('other', { ...good, key: (await authority.issue()).key }),
    /is not the key of the certificate/,
  ],
  [
    'a chain in the wrong order',
    () => write('order', { ...good, cert: authority.cert + good.cert }),
    /is not the key of the certificate/,
  ],
  ['an expired certificate', () => write('late', good), /expired at/, 2],
  ['a certificate of the future', () => write('early', good), /is not valid before/, -2],
  ['a weak key', weakPair, /OpenSSL refuses/],
  ['a large file', () => write('large', { ...good, cert: good.cert.repeat(1000) }), /is larger than/],
])('%s is refused', async (_what, files, message, days = 0) => {
  await expect(readKeyPair(await files(), Date.now() + days * day)).rejects.toMatchObject({
    code: 'TLS_UNFIT',
    message: expect.stringMatching(message),
    hint: expect.any(String),
  });
});

test.each([
  ['http://127.0.0.1:3233', 'https://127.0.0.1:3233'],
  ['http://10.0.0.1:3233', 'https://localhost:3233'],
  ['http://[::]:443', 'https://localhost'],
])('a server at %s calls itself %s: a name in its certificate', (listening, url) => {
  expect(urlNamedIn(good.cert, listening)).toBe(url);
});

test('a change counts when both files fit; links are followed', async () => {
  const first = await authority.issue();
  const files = filesIn('link');
  await symlink(`${(await write('one', first)).cert}`, files.cert);
  await symlink(`${filesIn('one').key}`, files.key);
  const taken: KeyPair[] = [];
  using _watch = watchKeyPair(files, first, {
    log: silentLog,
    onChange: (pair) => void taken.push(pair),
    everyMs: 10,
  });
  const second = await authority.issue();
  const next = await write('two', second);
  // As certbot does it: one link, then the other.
  for (const [to, link] of [
    [next.cert, files.cert],
    [next.key, files.key],
  ] as const) {
    await symlink(to, `${link}.new`);
    await rename(`${link}.new`, link);
  }
  await expect.poll(() => taken).toEqual([second]);
});

test('a further pair that is of no use is left out until it changes, and the first is refused', async () => {
  const main = await write('main', good);
  const customer = await write('customer', { ...good, key: (await authority.issue()).key });
  const rest = { operatorCa: undefined, acme: undefined, redirect: undefined, hstsSeconds: 0 };
  const { pairs } = await givenTls({ tls: { ...rest, files: [main, customer] } });
  expect(pairs).toEqual([good, null]);
  await expect(givenTls({ tls: { ...rest, files: [customer, main] } })).rejects.toMatchObject({
    code: 'TLS_UNFIT',
  });
  const ordersPerDay = { namespace: 1, all: 1 };
  const acme = { directory: '', names: [], email: undefined, challenge: 'http-01', ordersPerDay } as const;
  expect(await givenTls({ tls: { ...rest, acme, files: [customer, main] } })).toMatchObject({
    pairs: [null, good],
  });

  const error = vi.fn<Log['error']>();
  const taken: (readonly KeyPair[])[] = [];
  using _watch = watchKeyPairs([main, customer], pairs, {
    log: { ...silentLog, error },
    onChange: (all) => void taken.push(all),
    everyMs: 10,
  });
  await expect
    .poll(() => error.mock.calls)
    .toMatchObject([
      [
        { cert: customer.cert, reason: expect.stringContaining('is not the key') },
        expect.stringContaining('without it'),
      ],
    ]);
  const renewed = await authority.issue(['customer.example']);
  await write('customer', renewed);
  await expect.poll(() => taken).toEqual([[good, renewed]]);
});

test('a pair that is refused is taken when time alone has made it valid, and the log says once why it was not', async () => {
  const early = await authority.issue(['early.example']);
  const files = await write('waiting', early);
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() - day);
  onTestFinished(() => clock.mockRestore());
  const error = vi.fn<Log['error']>();
  const taken: (readonly KeyPair[])[] = [];
  using _watch = watchKeyPairs([files], [null], {
    log: { ...silentLog, error },
    onChange: (all) => void taken.push(all),
    ...{ everyMs: 5, againMs: 20 },
  });
  // Each read of the files asks for the time.
  await vi.waitUntil(() => clock.mock.calls.length > 3, { timeout: 10_000 });
  expect(taken).toEqual([]);
  clock.mockRestore();
  await expect.poll(() => taken, { timeout: 10_000 }).toEqual([[early]]);
  expect(error.mock.calls).toEqual([
    [expect.objectContaining({ reason: expect.stringContaining('is not valid before') }), expect.anything()],
  ]);
});
