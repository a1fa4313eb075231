import { describe, expect, test, vi } from 'vitest';
import { openStore } from '../../store/index.ts';
import { defaultLimits } from '../limits.ts';
import { basic, startPlatform } from '../platform.fixture.ts';
import { Namespaces } from './namespaces.ts';

const invalid = { code: 'AUTHENTICATION_INVALID', message: 'The supplied authentication is invalid' };

test('a namespace is created at the time of the database, also on a server whose clock is ahead', async () => {
  await using platform = await startPlatform();
  const { namespaces } = platform.functions;
  const ahead = Date.now() + 3_600_000;
  vi.spyOn(Date, 'now').mockReturnValue(ahead);
  try {
    await namespaces.create('acme');
  } finally {
    vi.restoreAllMocks();
  }
  expect((await namespaces.get('acme')).createdAt).toBeLessThan(ahead - 60_000);
});

describe('a key', () => {
  test('identifies its namespace, and is cached after the first time', async () => {
    await using platform = await startPlatform();
    expect(platform.guest).toMatchObject({ namespace: 'guest', subject: 'guest' });
    expect(platform.functions.namespaces.authenticate(platform.authorization)).toBe(platform.guest);
  });

  test('that is wrong does not work', async () => {
    await using platform = await startPlatform();
    const { namespaces } = platform.functions;
    const unknown = basic(`${crypto.randomUUID()}:${'x'.repeat(64)}`);
    const wrong = basic(`${platform.guest.keyId}:${'x'.repeat(64)}`);
    await expect(async () => namespaces.authenticate(unknown)).rejects.toMatchObject(invalid);
    await expect(async () => namespaces.authenticate(wrong)).rejects.toMatchObject(invalid);
  });

  test('is stored hashed', async () => {
    await using platform = await startPlatform();
    const [id = '', secret = ''] = (await platform.functions.namespaces.create('other')).split(':');
    const row = await platform.store.namespaces.byKeyId(id);
    expect(row?.keyHash).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(row)).not.toContain(secret);
  });

  test('does not work after it was changed', async () => {
    await using platform = await startPlatform();
    const { namespaces } = platform.functions;
    const next = basic(await namespaces.rotateKey('guest'));
    await expect(async () => namespaces.authenticate(platform.authorization)).rejects.toMatchObject(invalid);
    expect(await namespaces.authenticate(next)).toMatchObject({ namespace: 'guest' });
  });

  test('has an owner until it is changed or deleted, for tokens that were issued for it', async () => {
    await using platform = await startPlatform();
    const { namespaces } = platform.functions;
    const { keyId } = platform.guest;
    expect(await namespaces.ownerOf(keyId)).toMatchObject({ namespace: 'guest', keyId });
    expect(namespaces.ownerOf(keyId)).toMatchObject({ namespace: 'guest', scope: 'admin' });
    const further = await namespaces.createKey('guest', { scope: 'read' });
    expect(await namespaces.ownerOf(further.keyId)).toMatchObject({ namespace: 'guest', scope: 'read' });
    await namespaces.deleteKey('guest', further.keyId);
    expect(await namespaces.ownerOf(further.keyId)).toBeUndefined();
    await namespaces.rotateKey('guest');
    expect(await namespaces.ownerOf(keyId)).toBeUndefined();
    expect(await namespaces.ownerOf('unknown')).toBeUndefined();
  });

  test('that was replaced stays so while the limits are changed, and no change is lost', async () => {
    await using platform = await startPlatform();
    const { namespaces } = platform.functions;
    const [key] = await Promise.all([
      namespaces.rotateKey('guest'),
      namespaces.setLimits('guest', { firesPerMinute: 7 }),
      namespaces.setLimits('guest', { invocationsPerMinute: 8 }),
    ]);
    await expect(async () => namespaces.authenticate(platform.authorization)).rejects.toMatchObject(invalid);
    expect(await namespaces.authenticate(basic(key))).toMatchObject({ namespace: 'guest' });
    const { own } = await namespaces.get('guest');
    expect(own).toMatchObject({ firesPerMinute: 7, invocationsPerMinute: 8 });
  });

  test('does not work after its namespace was deleted', async () => {
    await using platform = await startPlatform();
    const { namespaces } = platform.functions;
    await namespaces.delete('guest');
    await expect(async () => namespaces.authenticate(platform.authorization)).rejects.toMatchObject(invalid);
  });

  test('that another process changed soon stops working', async () => {
    await using platform = await startPlatform();
    const { namespaces } = platform.functions;
    await using other = await openStore({ path: platform.path });
    const next = await new Namespaces(other, defaultLimits).rotateKey('guest');
    await expect
      .poll(async () => {
        try {
          await namespaces.authenticate(platform.authorization);
          return 'opens';
        } catch {
          return 'does not';
        }
      })
      .toBe('does not');
    expect(await namespaces.authenticate(basic(next))).toMatchObject({ namespace: 'guest' });
  });
});

describe('a lent key', () => {
  test('works in its namespace from inside, but not from outside or after it was taken back', async () => {
    await using platform = await startPlatform();
    const { namespaces } = platform.functions;
    const lent = await namespaces.lendKey('guest', 'full');
    const header = basic(lent?.key ?? '');
    expect(await namespaces.authenticateInside(header)).toMatchObject({ namespace: 'guest', scope: 'full' });
    await expect(async () => namespaces.authenticate(header)).rejects.toMatchObject(invalid);
    lent?.[Symbol.dispose]();
    await expect(async () => namespaces.authenticateInside(header)).rejects.toMatchObject(invalid);
  });

  test('does not work in a namespace that was created again under the same name', async () => {
    await using platform = await startPlatform();
    const { namespaces } = platform.functions;
    await namespaces.create('again');
    using lent = await namespaces.lendKey('again', 'full');
    await namespaces.delete('again');
    await namespaces.create('again');
    const header = basic(lent?.key ?? '');
    await expect(async () => namespaces.authenticateInside(header)).rejects.toMatchObject(invalid);
    expect(await namespaces.lendKey('nobody', 'full')).toBeUndefined();
  });
});

describe('limits', () => {
  test('are the system’s until the operator sets them, and after they are unset', async () => {
    await using platform = await startPlatform();
    const { namespaces } = platform.functions;
    expect(platform.guest.limits).toMatchObject({ invocationsPerMinute: 60, concurrentInvocations: 30 });
    const changed = { invocationsPerMinute: 5, concurrentInvocations: 0 };
    await namespaces.setLimits('guest', changed);
    expect((await namespaces.authenticate(platform.authorization)).limits).toMatchObject(changed);
    await namespaces.setLimits('guest', { invocationsPerMinute: null });
    expect((await namespaces.get('guest')).limits).toMatchObject({
      invocationsPerMinute: 60,
      concurrentInvocations: 0,
      firesPerMinute: 60,
    });
  });

  test.each([-1, 1.5, Number.NaN])('cannot be %s', async (firesPerMinute) => {
    await using platform = await startPlatform();
    await expect(platform.functions.namespaces.setLimits('guest', { firesPerMinute })).rejects.toMatchObject({
      code: 'LIMIT_OUT_OF_RANGE',
    });
  });
});

describe('the operator', () => {
  test('can list namespaces without their secrets', async () => {
    await using platform = await startPlatform();
    await platform.functions.namespaces.create('a');
    const list = await platform.functions.namespaces.list();
    expect(list.map(({ name }) => name)).toEqual(['a', 'guest']);
    expect(Object.keys(list[0] ?? {}).toSorted()).toEqual(['createdAt', 'keyId', 'limits', 'name', 'own']);
  });

  test('gets an error for a taken, an invalid and an unknown name', async () => {
    await using platform = await startPlatform();
    const { namespaces } = platform.functions;
    await expect(namespaces.create('guest')).rejects.toMatchObject({ code: 'NAMESPACE_EXISTS' });
    await expect(namespaces.create('a/b')).rejects.toMatchObject({ code: 'NAME_INVALID' });
    for (const work of [
      () => namespaces.get('no'),
      () => namespaces.delete('no'),
      () => namespaces.rotateKey('no'),
      () => namespaces.setLimits('no', {}),
    ]) {
      await expect(work()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  });
});

test('the creation time follows the namespace', async () => {
  await using platform = await startPlatform();
  const { namespaces } = platform.functions;
  expect(await namespaces.createdAt('guest')).toBe(platform.guest.createdAt);
  await namespaces.delete('guest');
  expect(await namespaces.createdAt('guest')).toBeUndefined();
  await expect.poll(() => Date.now() > platform.guest.createdAt).toBe(true);
  await namespaces.create('guest');
  expect(await namespaces.createdAt('guest')).toBeGreaterThan(platform.guest.createdAt);
});
