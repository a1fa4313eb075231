import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../store/index.ts';
import { hello, type Platform, ref, startPlatform } from '../platform.fixture.ts';
import { digestOf } from './exec.ts';

/** An empty archive, in base64. */
const emptyZip = `UEsFBg${'A'.repeat(24)}==`;

async function digestOfAction({ functions, guest }: Platform, name: string) {
  const { action } = await functions.actions.resolve(ref(name), guest.namespace);
  const digest = digestOf(action.exec);
  if (digest === null) throw new Error('no code');
  return digest;
}

describe('writing', () => {
  test('creates, refuses to create again, and changes', async () => {
    await using platform = await startPlatform();
    const { actions } = platform.functions;
    const created = await actions.put(ref('a'), hello, false, platform.guest);
    expect(created).toMatchObject({ code: hello.exec.code, description: { name: 'a', version: '0.0.1' } });
    await expect(actions.put(ref('a'), hello, false, platform.guest)).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      message: 'resource already exists',
    });
    const changed = await actions.put(
      ref('a'),
      { parameters: [{ key: 'x', value: 1 }] },
      true,
      platform.guest,
    );
    expect(changed).toMatchObject({
      code: hello.exec.code,
      description: { version: '0.0.2', parameters: [{ key: 'x', value: 1 }], exec: { kind: 'nodejs:24' } },
    });
  });

  test('with overwrite creates a missing action, if there is code', async () => {
    await using platform = await startPlatform();
    const { actions } = platform.functions;
    expect((await actions.put(ref('a'), hello, true, platform.guest)).description.version).toBe('0.0.1');
    await expect(actions.put(ref('b'), {}, true, platform.guest)).rejects.toMatchObject({
      message: 'exec undefined',
    });
  });

  test('ends idle sandboxes, so the next call runs the new code', async () => {
    await using platform = await startPlatform();
    const { actions } = platform.functions;
    await actions.put(ref('a'), hello, false, platform.guest);
    const before = await actions.resolve(ref('a'), platform.guest.namespace);
    expect(actions.resolve(ref('a'), platform.guest.namespace)).toBe(before);
    await actions.put(ref('a'), { exec: { ...hello.exec, code: 'other' } }, true, platform.guest);
    const after = await actions.resolve(ref('a'), platform.guest.namespace);
    expect(after.action.revision).not.toBe(before.action.revision);
    expect(digestOf(after.action.exec)).not.toBe(digestOf(before.action.exec));
    expect(platform.invoker.retired).toEqual(['/guest/a', '/guest/a']);
  });

  test('lets one of two concurrent changes win', async () => {
    await using platform = await startPlatform();
    const { actions } = platform.functions;
    await actions.put(ref('a'), hello, false, platform.guest);
    const outcomes = await Promise.allSettled(
      ['x', 'y', 'z'].map((code) =>
        actions.put(ref('a'), { exec: { ...hello.exec, code } }, true, platform.guest),
      ),
    );
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(lost.length).toBeLessThan(3);
    for (const { reason } of lost) expect(reason).toMatchObject({ code: 'CONCURRENT_UPDATE' });
    const { code } = await actions.get(ref('a'), true, platform.guest.namespace);
    expect(['x', 'y', 'z']).toContain(code);
  });

  test('in a package needs the package', async () => {
    await using platform = await startPlatform();
    const { actions } = platform.functions;
    const inPackage = ref('a', 'guest', 'p');
    await expect(actions.put(inPackage, hello, false, platform.guest)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await actions.put(ref('p'), hello, false, platform.guest);
    await expect(actions.put(inPackage, hello, false, platform.guest)).rejects.toMatchObject({
      code: 'WRONG_COLLECTION',
    });
    await expect(actions.get(inPackage, true, platform.guest.namespace)).rejects.toMatchObject({
      code: 'WRONG_COLLECTION',
    });
  });

  test('leaves entities of other collections alone', async () => {
    await using platform = await startPlatform();
    const { actions } = platform.functions;
    await platform.store.entities.put(
      {
        namespace: 'guest',
        path: 't',
        collection: 'triggers',
        revision: 'r',
        updatedAt: 1,
        codeDigest: null,
        link: null,
        shared: false,
        document: {},
      },
      null,
    );
    const conflict = {
      code: 'WRONG_COLLECTION',
      message: 'Resource by this name exists but is not in this collection.',
    };
    await expect(actions.put(ref('t'), hello, true, platform.guest)).rejects.toMatchObject(conflict);
    await expect(actions.get(ref('t'), true, platform.guest.namespace)).rejects.toMatchObject(conflict);
    await expect(actions.delete(ref('t'))).rejects.toMatchObject(conflict);
    await expect(async () => actions.resolve(ref('t'), platform.guest.namespace)).rejects.toMatchObject(
      conflict,
    );
  });
});

test('parameters that can no longer be decrypted can be replaced and deleted, but not read', async () => {
  await using platform = await startPlatform();
  const parameters = [{ key: 'secret', value: 's' }];
  await platform.functions.actions.put(ref('a'), { ...hello, parameters }, false, platform.guest);
  await platform.functions.actions.put(ref('b'), { ...hello, parameters }, false, platform.guest);
  platform.vaultKeys.splice(0, 1, { id: 'other', secret: randomBytes(32) });
  const { actions } = await platform.restart();
  const { guest } = platform;
  await expect(actions.get(ref('a'), true, guest.namespace)).rejects.toMatchObject({
    code: 'VAULT_KEY_MISSING',
  });
  await expect(actions.put(ref('a'), {}, true, guest)).rejects.toMatchObject({ code: 'VAULT_KEY_MISSING' });
  await actions.put(ref('a'), { parameters }, true, guest);
  expect(await actions.get(ref('a'), true, guest.namespace)).toMatchObject({ description: { parameters } });
  expect(await actions.delete(ref('b'))).toMatchObject({ description: { name: 'b', parameters: [] } });
});

describe('code', () => {
  test('is removed with the last action that has it', async () => {
    await using platform = await startPlatform();
    const { actions } = platform.functions;
    await actions.put(ref('a'), hello, false, platform.guest);
    await actions.put(ref('b'), hello, false, platform.guest);
    const digest = await digestOfAction(platform, 'a');
    await actions.delete(ref('a'));
    expect(await platform.blobs.has(digest)).toBe(true);
    for (const [code, isKept] of [
      ['other', true],
      ['a third', false],
    ] as const) {
      await actions.put(ref('b'), { exec: { ...hello.exec, code } }, true, platform.guest);
      expect(await platform.blobs.has(digest)).toBe(isKept);
    }
  });

  test('of a refused write is removed', async () => {
    await using platform = await startPlatform();
    const { actions } = platform.functions;
    await actions.put(ref('a'), hello, false, platform.guest);
    const digest = await digestOfAction(platform, 'a');
    const refused = actions.put(
      ref('a'),
      { ...hello, annotations: [{ key: 'x', value: 'x'.repeat(1_048_560) }] },
      true,
      platform.guest,
    );
    await expect(refused).rejects.toMatchObject({ code: 'ENTITY_TOO_LARGE' });
    expect(await platform.blobs.has(digest)).toBe(true);
  });
});

describe('reading', () => {
  test('returns code if asked', async () => {
    await using platform = await startPlatform();
    const { actions } = platform.functions;
    const binary = { kind: 'python:default', code: emptyZip, main: 'run' };
    await actions.put(ref('a'), { exec: binary }, false, platform.guest);
    expect(await actions.get(ref('a'), true, platform.guest.namespace)).toMatchObject({
      code: emptyZip,
      description: { exec: { kind: 'python:3.13', binary: true, main: 'run' } },
    });
    expect((await actions.get(ref('a'), false, platform.guest.namespace)).code).toBeUndefined();
  });

  test('lists pages, newest first', async () => {
    await using platform = await startPlatform();
    const { actions } = platform.functions;
    for (const name of ['a', 'b', 'c']) await actions.put(ref(name), hello, false, platform.guest);
    await actions.put(ref('a'), {}, true, platform.guest);
    const within = { namespace: platform.guest.namespace, package: undefined };
    const names = async (skip: number, limit: number) =>
      (await actions.list(within, { skip, limit }, platform.guest.namespace)).map(({ name }) => name);
    expect(await names(0, 2)).toEqual(['a', 'c']);
    expect(await names(2, 2)).toEqual(['b']);
    expect(await actions.count(within, platform.guest.namespace)).toBe(3);
    expect(await actions.list(within, { skip: 0, limit: 1 }, platform.guest.namespace)).toEqual([
      {
        namespace: 'guest',
        name: 'a',
        version: '0.0.2',
        publish: false,
        annotations: expect.any(Array),
        updated: expect.any(Number),
        exec: { binary: false },
        limits: { timeout: 60_000, memory: 256, logs: 10, concurrency: 1 },
      },
    ]);
  });

  test('of an absent action is a fault', async () => {
    await using platform = await startPlatform();
    const { actions } = platform.functions;
    await expect(actions.get(ref('no'), true, platform.guest.namespace)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(actions.delete(ref('no'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(async () => actions.resolve(ref('no'), platform.guest.namespace)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

test('sees changes of another process soon', async () => {
  await using platform = await startPlatform();
  const { actions } = platform.functions;
  await actions.put(ref('a'), hello, false, platform.guest);
  const { action } = await actions.resolve(ref('a'), platform.guest.namespace);
  await using other = await openStore({ path: platform.path });
  const row = await other.entities.get('guest', 'a');
  expect(row).toBeDefined();
  if (row !== undefined) await other.entities.put({ ...row, revision: 'theirs' }, action.revision);
  await expect
    .poll(async () => (await actions.resolve(ref('a'), platform.guest.namespace)).action.revision)
    .toBe('theirs');
});
