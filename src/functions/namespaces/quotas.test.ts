/** Everything that a tenant stores is within its quota, and a refusal leaves nothing behind. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { basic, type Platform, ref, startPlatform } from '../platform.fixture.ts';
import { measureCode } from './quotas.ts';

const kibibyte = 1024;
let platform: Platform;

beforeEach(async () => {
  platform = await startPlatform({ limits: { codeQuotaBytes: 100 * kibibyte } });
});
afterEach(() => platform[Symbol.asyncDispose]());

function action(bytes: number) {
  return { exec: { kind: 'nodejs:default', code: `// ${randomBytes(bytes / 2).toString('hex')}` } };
}

async function identity() {
  platform.functions.namespaces.forget();
  return platform.functions.namespaces.authenticate(platform.authorization);
}

async function put(name: string, bytes: number, overwrite = false) {
  return platform.functions.actions.put(ref(name), action(bytes), overwrite, await identity());
}

async function blobCount(): Promise<number> {
  let count = 0;
  for await (const _ of platform.blobs.list()) count++;
  return count;
}

const used = async () => (await platform.functions.quotas.usage('guest')).code.used;

test('code beyond the quota is refused with the current use, and its blob is removed', async () => {
  await put('a', 60 * kibibyte);
  const before = await used();
  expect(before).toBeGreaterThan(60 * kibibyte);
  await expect(put('b', 60 * kibibyte)).rejects.toMatchObject({
    code: 'QUOTA_EXCEEDED',
    kind: 'too-large',
    message: expect.stringMatching(
      /^The namespace 'guest' has 61\.\d KiB of code .* but its quota is 100 KiB/,
    ),
    hint: expect.stringContaining('--code-quota'),
    details: { quota: 'code', used: before, limit: 100 * kibibyte },
  });
  expect(await used()).toBe(before);
  expect(await blobCount()).toBe(1);
});

test('space freed by a delete or a smaller version is available at once', async () => {
  await put('a', 60 * kibibyte);
  await put('a', 20 * kibibyte, true);
  await put('b', 60 * kibibyte);
  await platform.functions.actions.delete(ref('b'));
  await put('c', 60 * kibibyte);
});

test('existing code costs only the entity', async () => {
  const body = action(60 * kibibyte);
  const guest = await identity();
  await platform.functions.actions.put(ref('a'), body, false, guest);
  const before = await used();
  await platform.functions.actions.put(ref('b'), body, false, guest);
  expect((await used()) - before).toBeLessThan(4 * kibibyte);
});

test('a namespace has its own quota, and does not affect others', async () => {
  const { namespaces, actions } = platform.functions;
  const other = await namespaces.authenticate(basic(await namespaces.create('other')));
  await namespaces.setLimits('guest', { codeQuotaBytes: 10 * kibibyte });
  await expect(put('a', 20 * kibibyte)).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
  await actions.put(ref('a', 'other'), action(60 * kibibyte), false, other);
  await namespaces.setLimits('guest', { codeQuotaBytes: null });
  await put('a', 20 * kibibyte);
});

test('parameters, packages, triggers and APIs count as well', async () => {
  const { packages, triggers } = platform.functions;
  const refused = { code: 'QUOTA_EXCEEDED' };
  const owner = (await identity()).namespace;
  const plain = (name: string) => ({ namespace: owner, name: ref(name).name });
  const parameters = [{ key: 'p', value: 'x'.repeat(30 * kibibyte) }];
  await packages.put(plain('p'), { parameters }, false);
  await triggers.put(plain('t'), { parameters }, false);
  await expect(triggers.put(plain('u'), { parameters }, false)).rejects.toMatchObject(refused);
  await expect(packages.put(plain('q'), { parameters }, false)).rejects.toMatchObject(refused);
  await expect(
    platform.functions.apis.put(owner, '/a', () => ({
      ...{ swagger: '2.0', basePath: '/a', info: { title: 'a', version: '1' } },
      ...{ paths: {}, 'x-long': 'x'.repeat(40 * kibibyte) },
    })),
  ).rejects.toMatchObject(refused);
  await triggers.delete(plain('t'));
  await packages.put(plain('q'), { parameters }, false);
});

test('concurrent puts stay within it together', async () => {
  const puts = Array.from({ length: 12 }, (_, index) =>
    put(`a${index}`, 20 * kibibyte).then(
      () => true,
      () => false,
    ),
  );
  expect((await Promise.all(puts)).filter((isDone) => isDone)).toHaveLength(4);
  expect(await used()).toBeLessThanOrEqual(100 * kibibyte);
  expect(await blobCount()).toBe(4);
});

test('code of an older Ward is measured, even if its blob is missing', async () => {
  const { store, blobs } = platform;
  const digest = await blobs.put(randomBytes(5000));
  const row = (path: string, codeDigest: string) => ({
    ...{ namespace: 'guest', path, collection: 'actions' as const, revision: path, updatedAt: 1 },
    ...{ codeDigest, link: null, shared: false, document: {} },
  });
  await store.entities.put(row('old', digest), null);
  await store.entities.put(row('lost', `sha256:${'0'.repeat(64)}`), null);
  await measureCode(store.holdings, blobs);
  expect((await store.holdings.get('guest'))?.codeBytes).toBe(5000 + 4096);
  expect(await store.holdings.unmeasuredCode()).toEqual([]);
});
