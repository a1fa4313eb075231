import { expect, test } from 'vitest';
import { hello, type Platform, ref, startPlatform } from '../platform.fixture.ts';
import { plain } from '../triggers/rules.fixture.ts';

const put = ({ functions, guest }: Platform, exec: object | undefined, more: object = {}, name = 'a') =>
  functions.actions.put(ref(name), { ...(exec === undefined ? {} : { exec }), ...more }, true, guest);
const text = (code: string) => ({ ...hello.exec, code });
const blobCount = async ({ blobs }: Platform) => (await Array.fromAsync(blobs.list())).length;
const none = { code: 'EARLIER_CODE_MISSING', kind: 'missing' };

test('is what the last change of the code replaced, with its kind and version', async () => {
  await using platform = await startPlatform();
  const { actions } = platform.functions;
  const first = await put(platform, { ...text('one'), main: 'start' }, { version: '1.0.0' });
  await expect(actions.earlierCode(ref('a'))).rejects.toMatchObject(none);
  // The same code again, and other settings, replace nothing.
  await put(platform, { ...text('one'), main: 'begin' });
  await put(platform, undefined, { limits: { timeout: 1000 } });
  await expect(actions.earlierCode(ref('a'))).rejects.toMatchObject(none);
  const { description, revision } = await put(platform, { kind: 'python:3.13', code: 'two' });
  await put(platform, undefined, { limits: { timeout: 2000 } });
  const earlier = await actions.earlierCode(ref('a'));
  expect(earlier).toMatchObject({
    code: 'one',
    description: {
      ...{ namespace: 'guest', name: 'a', version: '1.0.2', replaced: description.updated },
      exec: { kind: 'nodejs:24', binary: false, main: 'begin' },
    },
  });
  expect(earlier.description.updated).toBeGreaterThan(first.description.updated);
  expect(earlier.revision).not.toBe(revision);
  await expect(actions.earlierCode(ref('no'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('outlives a change to what has no code, and is none when it is the code again', async () => {
  await using platform = await startPlatform();
  const { actions } = platform.functions;
  await put(platform, text('one'));
  await put(platform, hello.exec, {}, 'part');
  await put(platform, { kind: 'sequence', components: ['/guest/part'] });
  expect((await actions.earlierCode(ref('a'))).code).toBe('one');
  await put(platform, { kind: 'blackbox', image: 'app:v1' });
  await put(platform, { kind: 'blackbox', image: 'app:v2' });
  expect((await actions.earlierCode(ref('a'))).code).toBe('one');
  await put(platform, text('one'));
  await expect(actions.earlierCode(ref('a'))).rejects.toMatchObject(none);
  // An image without code is not code.
  await put(platform, { kind: 'blackbox', image: 'app:v1' }, {}, 'b');
  await put(platform, text('two'), {}, 'b');
  await expect(actions.earlierCode(ref('b'))).rejects.toMatchObject(none);
});

test('its bytes go with the next change, its action, its package or its namespace', async () => {
  await using platform = await startPlatform();
  const { actions, packages, namespaces } = platform.functions;
  for (const code of ['one', 'two', 'three']) await put(platform, text(code));
  expect(await blobCount(platform)).toBe(2);
  await actions.delete(ref('a'));
  expect(await blobCount(platform)).toBe(0);
  await packages.put(plain('p'), {}, false);
  for (const code of ['one', 'two'])
    await actions.put(ref('a', 'guest', 'p'), { exec: text(code) }, true, platform.guest);
  expect((await actions.earlierCode(ref('a', 'guest', 'p'))).description.namespace).toBe('guest/p');
  await packages.delete(plain('p'), true);
  expect(await blobCount(platform)).toBe(0);
  for (const code of ['one', 'two']) await put(platform, text(code));
  await namespaces.delete('guest');
  expect(await blobCount(platform)).toBe(0);
});

test('whose bytes are gone is none', async () => {
  await using platform = await startPlatform();
  const { actions } = platform.functions;
  for (const code of ['one', 'two']) await put(platform, text(code));
  const kept = await platform.store.entities.earlierCode('guest', 'a');
  for await (const digest of platform.blobs.list())
    if (digest === kept?.digest) await platform.blobs.delete(digest);
  await expect(actions.earlierCode(ref('a'))).rejects.toMatchObject(none);
});
