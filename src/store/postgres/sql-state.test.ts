import { expect, test } from 'vitest';
import { isConflict } from '../conflicts.ts';
import { faultOf, isConfinedToOneUnit } from './sql-state.ts';

const coded = (code: string) => Object.assign(new Error('x'), { code });

test.each([
  ['23503', 'STORE_NO_NAMESPACE'],
  ['23505', 'STORE_DUPLICATE'],
  ['22021', 'STORE_FAILED'],
  ['40001', 'STORE_LOCKED'],
  ['40P01', 'STORE_LOCKED'],
  ['55P03', 'STORE_LOCKED'],
  ['57014', 'STORE_LOCKED'],
  ['53100', 'STORE_FULL'],
  ['53300', 'STORE_REFUSED'],
  ['28P01', 'STORE_REFUSED'],
  ['28000', 'STORE_REFUSED'],
  ['3D000', 'STORE_REFUSED'],
  ['42501', 'STORE_REFUSED'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'STORE_REFUSED'],
  ['EAI_AGAIN', 'STORE_UNREACHABLE'],
  ['57P01', 'STORE_UNREACHABLE'],
  ['57P03', 'STORE_UNREACHABLE'],
  ['08006', 'STORE_UNREACHABLE'],
  ['25P03', 'STORE_UNREACHABLE'],
  ['25P04', 'STORE_UNREACHABLE'],
  ['ECONNREFUSED', 'STORE_UNREACHABLE'],
  ['ENOENT', 'STORE_UNREACHABLE'],
  ['25006', 'STORE_UNWRITABLE'],
  ['XX001', 'STORE_CORRUPT'],
  ['42P01', 'STORE_FAILED'],
  ['', 'STORE_FAILED'],
])('SQLSTATE %s is %s', (code, expected) => {
  expect(faultOf(coded(code), 'db/ward').code).toBe(expected);
});

test.each([
  'Connection terminated unexpectedly',
  'Client has encountered a connection error and is not queryable',
  'Query read timeout',
])('a closed connection has no code, and is recognized by the client’s message: %s', (message) => {
  expect(faultOf(new Error(message), 'db/ward').code).toBe('STORE_UNREACHABLE');
});

test.each(['a string', 'a non-empty string'])(
  'the client’s refusal to send a password that is not %s counts as the server’s',
  (kind) => {
    const error = new Error(`SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be ${kind}`);
    const { code, message, hint } = faultOf(error, 'db/ward');
    expect({ code, message }).toEqual({
      code: 'STORE_REFUSED',
      message: 'the database db/ward refuses the user or the password',
    });
    expect(hint).toMatch(/the password of the setting `store`/);
  },
);

test('conflicts are retried, and invalid values fail only their own write', () => {
  expect(['40001', '40P01', '23505', '08006'].map((code) => isConflict(coded(code)))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(
    ['22021', '23503', '54000', '40001', '53100'].map((code) => isConfinedToOneUnit(coded(code))),
  ).toEqual([true, true, true, false, false]);
});
