import { expect, test } from 'vitest';
import { faultOf } from './sql-fault.ts';

test.each([
  [5, 'STORE_LOCKED'],
  [517, 'STORE_LOCKED'],
  [11, 'STORE_CORRUPT'],
  [267, 'STORE_CORRUPT'],
  [26, 'STORE_CORRUPT'],
  [13, 'STORE_FULL'],
  [4874, 'STORE_FULL'],
  [778, 'STORE_UNWRITABLE'],
  [1034, 'STORE_UNWRITABLE'],
  [8, 'STORE_UNWRITABLE'],
  [1032, 'STORE_UNWRITABLE'],
  [14, 'STORE_FAILED'],
  [787, 'STORE_NO_NAMESPACE'],
  [1555, 'STORE_DUPLICATE'],
  [2067, 'STORE_DUPLICATE'],
  [1811, 'STORE_DUPLICATE'],
  [1299, 'STORE_FAILED'],
  [0, 'STORE_FAILED'],
])('result code %i is %s', (code, expected) => {
  expect(faultOf({ code, message: 'x' }, '/data/ward.db').code).toBe(expected);
});
