import { expect, test, vi } from 'vitest';
import { startPlatform } from '../platform.fixture.ts';
import { announceWrites } from './announced-writes.ts';

const reads: Readonly<Record<string, readonly string[]>> = {
  namespaces: ['byName', 'byKeyId', 'list', 'count', 'usage'],
  namespaceMembers: ['list', 'endedAt'],
  keys: ['byId', 'list', 'loggedOutAt'],
  sessions: ['use'],
  entities: [
    'get',
    'list',
    'count',
    'countByCodeDigest',
    'codeAfter',
    'actionsWithCode',
    'earlierCode',
    'earlierDigests',
  ],
  apis: ['get', 'list'],
  domains: ['get', 'list', 'owner', 'proved'],
};

test('every write of what caches hold is told, after it was done, and no read is', async () => {
  await using platform = await startPlatform();
  const calls: string[] = [];
  /** A store whose methods only note that they were called. */
  const noted = Object.fromEntries(
    Object.keys(reads).map((part) => {
      const methods = Object.keys(Reflect.get(platform.store, part));
      return [part, Object.fromEntries(methods.map((name) => [name, async () => calls.push(name)]))];
    }),
  );
  const told = announceWrites({ ...platform.store, ...noted }, () => calls.push('told'));
  for (const [part, own] of Object.entries(reads)) {
    const methods: object = Reflect.get(told, part);
    for (const [name, method] of Object.entries(methods)) {
      calls.length = 0;
      await method();
      expect([part, name, ...calls]).toEqual([part, name, name, ...(own.includes(name) ? [] : ['told'])]);
    }
  }
});

test('a failed write is not told, and nothing is when no one listens', async () => {
  await using platform = await startPlatform();
  const announce = vi.fn();
  const { namespaces } = announceWrites(platform.store, announce);
  await expect(namespaces.create(JSON.parse('{}'))).rejects.toThrow();
  expect(announce).not.toHaveBeenCalled();
  expect(announceWrites(platform.store, undefined)).toBe(platform.store);
});
