import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../store/index.ts';
import { defaultLimits } from '../limits.ts';
import type { KeyRequest } from './further-keys.ts';
import { mostKeys } from './further-keys.ts';
import { hasRight, keyScopes, requireRight } from './key-scopes.ts';
import { Namespaces } from './namespaces.ts';

const basic = (key: string) => `Basic ${Buffer.from(key).toString('base64')}`;
const invalid = { code: 'AUTHENTICATION_INVALID', kind: 'unauthenticated' };

/** The namespaces `guest` and `other`, at a time that the test sets. */
async function start() {
  const folder = await mkdtemp(join(tmpdir(), 'ward-keys-'));
  const store = await openStore({ path: join(folder, 'data', 'ward.db') });
  const clock = { now: 1_000_000 };
  const namespaces = new Namespaces(store, defaultLimits, { now: () => clock.now });
  const first = await namespaces.create('guest');
  await namespaces.create('other');
  return {
    store,
    clock,
    namespaces,
    first,
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

describe('a further key', () => {
  test('belongs to its namespace, with its scope', async () => {
    await using at = await start();
    for (const scope of keyScopes) {
      const made = await at.namespaces.createKey('guest', { scope, label: `for ${scope}` });
      expect(made).toMatchObject({ scope, label: `for ${scope}`, expiresAt: null, createdAt: 1_000_000 });
      const identity = await at.namespaces.authenticate(basic(made.key));
      expect(identity).toMatchObject({ namespace: 'guest', subject: 'guest', keyId: made.keyId, scope });
      expect(at.namespaces.authenticate(basic(made.key))).toBe(identity);
    }
  });

  test('leaves the first one unchanged, with every right', async () => {
    await using at = await start();
    await at.namespaces.createKey('guest', { scope: 'read' });
    expect(await at.namespaces.authenticate(basic(at.first))).toMatchObject({ scope: 'admin' });
    const rotated = await at.namespaces.rotateKey('guest');
    expect(await at.namespaces.authenticate(basic(rotated))).toMatchObject({ scope: 'admin' });
  });

  test('is stored hashed', async () => {
    await using at = await start();
    const { key, keyId } = await at.namespaces.createKey('guest', { scope: 'full' });
    const row = await at.store.keys.byId(keyId);
    expect(row?.keyHash).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(row)).not.toContain(key.split(':')[1]);
  });

  test('with a wrong secret does not work', async () => {
    await using at = await start();
    const { keyId } = await at.namespaces.createKey('guest', { scope: 'full' });
    const forged = basic(`${keyId}:${'x'.repeat(64)}`);
    await expect(async () => at.namespaces.authenticate(forged)).rejects.toMatchObject(invalid);
  });

  test('does not work after it has expired, cached or not', async () => {
    await using at = await start();
    const { key: seen } = await at.namespaces.createKey('guest', { scope: 'full', expiresAt: 2_000_000 });
    const { key: unseen } = await at.namespaces.createKey('guest', { scope: 'full', expiresAt: 2_000_000 });
    at.clock.now = 1_999_999;
    await at.namespaces.authenticate(basic(seen));
    at.clock.now = 2_000_000;
    for (const key of [seen, unseen]) {
      await expect(async () => at.namespaces.authenticate(basic(key))).rejects.toMatchObject(invalid);
    }
  });

  test('does not work after it was deleted', async () => {
    await using at = await start();
    const { key, keyId } = await at.namespaces.createKey('guest', { scope: 'full' });
    await at.namespaces.authenticate(basic(key));
    await at.namespaces.deleteKey('guest', keyId.toUpperCase());
    await expect(async () => at.namespaces.authenticate(basic(key))).rejects.toMatchObject(invalid);
    await expect(at.namespaces.deleteKey('guest', keyId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('is deleted with its namespace, and does not come back with the name', async () => {
    await using at = await start();
    const { key } = await at.namespaces.createKey('guest', { scope: 'full' });
    await at.namespaces.authenticate(basic(key));
    await at.namespaces.delete('guest');
    await at.namespaces.create('guest');
    await expect(async () => at.namespaces.authenticate(basic(key))).rejects.toMatchObject(invalid);
    expect(await at.namespaces.listKeys('guest')).toHaveLength(1);
  });

  test('cannot be deleted through another namespace', async () => {
    await using at = await start();
    const { keyId } = await at.namespaces.createKey('guest', { scope: 'full' });
    await expect(at.namespaces.deleteKey('other', keyId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test.each<[KeyRequest]>([
    [{ scope: 'none' }],
    [{ scope: 'read', label: 'login: ada' }],
    [{ scope: '__proto__' }],
    [{ scope: 'read', label: 'x'.repeat(65) }],
    [{ scope: 'read', label: 'a\nb' }],
    [{ scope: 'read', expiresAt: 1_000_000 }],
    [{ scope: 'read', expiresAt: Number.NaN }],
    [{ scope: 'read', expiresAt: 1e300 }],
  ])('is refused: %j', async (request) => {
    await using at = await start();
    await expect(at.namespaces.createKey('guest', request)).rejects.toMatchObject({ code: 'KEY_INVALID' });
    expect(await at.namespaces.listKeys('guest')).toHaveLength(1);
  });

  test('too many is refused', async () => {
    await using at = await start();
    for (let i = 0; i < mostKeys; i++) await at.namespaces.createKey('guest', { scope: 'read' });
    await expect(at.namespaces.createKey('guest', { scope: 'read' })).rejects.toMatchObject({
      code: 'KEYS_EXHAUSTED',
    });
    await at.namespaces.createKey('other', { scope: 'read' });
  });

  test('of a missing namespace is refused', async () => {
    await using at = await start();
    for (const work of [
      () => at.namespaces.createKey('no', { scope: 'read' }),
      () => at.namespaces.listKeys('no'),
      () => at.namespaces.deleteKey('no', 'x'),
    ]) {
      await expect(work()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  });
});

test('the list has the first key and then the others, without secrets', async () => {
  await using at = await start();
  const { key, ...described } = await at.namespaces.createKey('guest', { scope: 'invoke', label: 'ci' });
  const list = await at.namespaces.listKeys('guest');
  const [firstId = ''] = at.first.split(':');
  expect(list).toEqual([
    {
      ...{ keyId: firstId, isFirst: true, scope: 'admin', label: '', createdAt: 1_000_000, expiresAt: null },
      ...{ isOfLogin: false, maker: null },
    },
    { ...described, isFirst: false, maker: 'ward' },
  ]);
  expect(JSON.stringify(list)).not.toContain(key.split(':')[1]);
});

test('the first key cannot be deleted', async () => {
  await using at = await start();
  const [firstId = ''] = at.first.split(':');
  await expect(at.namespaces.deleteKey('guest', firstId)).rejects.toMatchObject({ code: 'KEY_INVALID' });
});

test.each([
  ['admin', ['read', 'deploy', 'invoke', 'admin']],
  ['full', ['read', 'deploy', 'invoke']],
  ['deploy', ['read', 'deploy']],
  ['invoke', ['invoke']],
  ['read', ['read']],
] as const)('the scope %s has the rights %j', (scope, rights) => {
  const all = ['read', 'deploy', 'invoke', 'admin'] as const;
  expect(all.filter((right) => hasRight(scope, right))).toEqual(rights);
  for (const right of all) {
    if (hasRight(scope, right)) expect(() => requireRight(scope, right, 'guest/a')).not.toThrow();
    else {
      expect(() => requireRight(scope, right, 'guest/a')).toThrow(
        "The supplied authentication is not authorized to access 'guest/a'.",
      );
    }
  }
});

describe('a namespace by its name', () => {
  test('is its own caller with all rights, and cached after the first time', async () => {
    await using at = await start();
    const identity = await at.namespaces.identityOf('guest');
    expect(identity).toMatchObject({ namespace: 'guest', scope: 'full', keyId: at.first.split(':')[0] });
    expect(at.namespaces.identityOf('guest')).toBe(identity);
    expect(await at.namespaces.identityOf('no')).toBeUndefined();
  });

  test('follows its limits and its end', async () => {
    await using at = await start();
    await at.namespaces.identityOf('guest');
    await at.namespaces.setLimits('guest', { firesPerMinute: 7 });
    expect(await at.namespaces.identityOf('guest')).toMatchObject({ limits: { firesPerMinute: 7 } });
    await at.namespaces.delete('guest');
    expect(await at.namespaces.identityOf('guest')).toBeUndefined();
  });
});

test('Ward’s own namespace is created once, with a key that no one knows', async () => {
  await using at = await start();
  await at.namespaces.ensureSystem();
  const { keyId } = await at.namespaces.get('whisk.system');
  await at.namespaces.ensureSystem();
  expect((await at.namespaces.get('whisk.system')).keyId).toBe(keyId);
});

test('the remains of a deleted namespace’s actions are passed on for removal', async () => {
  await using at = await start();
  const gone: string[] = [];
  const namespaces = new Namespaces(at.store, defaultLimits, {
    onActionsDeleted: async ({ rows }) => {
      expect(await at.store.namespaces.byName('guest')).toBeUndefined();
      gone.push(...rows.map(({ path, codeDigest }) => `${path} ${codeDigest}`));
    },
  });
  const base = {
    namespace: 'guest',
    collection: 'actions',
    link: null,
    shared: false,
    document: {},
  } as const;
  const count = 450;
  for (let i = 0; i < count; i++) {
    const row = { ...base, path: `a${i}`, revision: 'r', updatedAt: i, codeDigest: `sha256:${i}` };
    await at.store.entities.put(row, null);
  }
  await namespaces.delete('guest');
  expect(new Set(gone)).toEqual(new Set(Array.from({ length: count }, (_, i) => `a${i} sha256:${i}`)));
});
