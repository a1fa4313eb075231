import { expect, test } from 'vitest';
import { createLentKeys } from './lent-keys.ts';

const header = (key: string) => `Basic ${Buffer.from(key).toString('base64')}`;
const guest = { namespace: 'guest', createdAt: 1, scope: 'full' as const };

test('a lent key belongs to its lender until it is taken back', () => {
  const keys = createLentKeys();
  const one = keys.lend(guest);
  const other = keys.lend({ namespace: 'other', createdAt: 2, scope: 'invoke' });
  const lender = keys.lenderOf(header(one.key));
  expect(lender).toMatchObject(guest);
  expect(lender?.until.aborted).toBe(false);
  one[Symbol.dispose]();
  expect(lender?.until.aborted).toBe(true);
  expect(keys.lenderOf(header(one.key))).toBeUndefined();
  expect(keys.lenderOf(header(other.key))).toMatchObject({
    namespace: 'other',
    createdAt: 2,
    scope: 'invoke',
  });
});

test('the id of one with the secret of another does not work', () => {
  const keys = createLentKeys();
  const [{ key: one }, { key: other }] = [keys.lend(guest), keys.lend(guest)];
  expect(keys.lenderOf(header(`${one.split(':')[0]}:${other.split(':')[1]}`))).toBeUndefined();
});
