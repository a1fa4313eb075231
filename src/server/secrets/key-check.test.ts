import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { VaultKey } from '../../functions/index.ts';
import { silentLog } from '../../lib/index.ts';
import { checkSharedKeys, refuseNewKeys } from './key-check.ts';
import { tokenKeysOf } from './token-keys.ts';

const key = (id: string): VaultKey => ({ id, secret: randomBytes(32) });
const [one, two] = [key('one'), key('two')];
const differ = { code: 'PARAMETER_KEYS_DIFFER' };

function facts() {
  let text: string | undefined;
  return {
    keyCheck: async () => text,
    setKeyCheck: async (next: string) => {
      text = next;
    },
  };
}

const check = (
  keys: readonly [VaultKey, ...VaultKey[]],
  shared: ReturnType<typeof facts>,
  isLossAccepted = false,
) => checkSharedKeys(() => keys, { facts: shared, source: 'here', isLossAccepted, log: silentLog });

test('a server with other keys than the first one is refused, also under the same id', async () => {
  const shared = facts();
  await check([one], shared);
  await check([one], shared);
  await expect(check([two], shared)).rejects.toMatchObject(differ);
  await expect(check([key('one')], shared)).rejects.toMatchObject(differ);
});

test('after a rotation, the old key can be removed', async () => {
  const shared = facts();
  await check([one], shared);
  await check([two, one], shared);
  await check([two], shared);
});

test('lost keys can be given up', async () => {
  const shared = facts();
  await check([one], shared);
  await check([two], shared, true);
  await check([two], shared);
});

test('a server without keys does not make its own for a database that has some', async () => {
  const shared = facts();
  const source = '/nonexistent/parameters.keys';
  await refuseNewKeys({ facts: shared, source });
  await check([one], shared);
  await expect(refuseNewKeys({ facts: shared, source })).rejects.toMatchObject(differ);
});

test('servers with the same keys sign tokens alike, and each key has its own', () => {
  const [first, second] = [tokenKeysOf(() => [one, two])(), tokenKeysOf(() => [one])()];
  expect(first[0]).toEqual(second[0]);
  expect(first[1]).not.toEqual(first[0]);
  expect(Buffer.from(first[0]).equals(one.secret)).toBe(false);
});
