import { expect, test } from 'vitest';
import { knownChanges, mostChanges } from './changes.ts';

const row = { kind: 'actions', namespace: 'guest', path: 'a' };
const never = () => false;

test('a kind that a newer Ward wrote can be anything', () => {
  expect(knownChanges([row], never)).toEqual([row]);
  expect(knownChanges([row, { ...row, kind: 'flows' }], never)).toBeUndefined();
});

test('a mark of a deletion is no change, and tells only a reader that had seen less', () => {
  const mark = { kind: 'pruned', namespace: '', path: '7' };
  expect(knownChanges([mark, row], (place) => place <= 7)).toEqual([row]);
  expect(knownChanges([mark, row], (place) => place <= 6)).toBeUndefined();
});

test('as many as are worth telling are told', () => {
  const rows = Array.from({ length: mostChanges }, () => row);
  expect(knownChanges(rows, never)).toHaveLength(mostChanges);
  expect(knownChanges([...rows, row], never)).toBeUndefined();
});
