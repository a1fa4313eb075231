import { expect, test } from 'vitest';
import { commitFault, readFault, writeFault } from './faults.ts';

const coded = (code: string) => Object.assign(new Error('x'), { code });

test.each([
  ['53100', 'GATE_STORE_FULL', 'GATE_STORE_FULL', 'GATE_STORE_FULL'],
  ['XX001', 'GATE_STORE_CORRUPT', 'GATE_STORE_CORRUPT', 'GATE_STORE_CORRUPT'],
  ['25006', 'GATE_STORE_FAILED', 'GATE_STORE_UNWRITABLE', 'GATE_STORE_UNWRITABLE'],
  ['40P01', 'GATE_STORE_FAILED', 'GATE_STORE_UNWRITABLE', 'GATE_STORE_UNWRITABLE'],
  ['57014', 'GATE_STORE_FAILED', 'GATE_STORE_UNWRITABLE', 'GATE_STORE_UNWRITABLE'],
  ['57P01', 'GATE_STORE_UNREACHABLE', 'GATE_STORE_UNWRITABLE', 'GATE_STORE_UNREACHABLE'],
  ['ECONNRESET', 'GATE_STORE_UNREACHABLE', 'GATE_STORE_UNWRITABLE', 'GATE_STORE_UNREACHABLE'],
  ['28P01', 'GATE_STORE_UNREACHABLE', 'GATE_STORE_UNWRITABLE', 'GATE_STORE_UNWRITABLE'],
  ['23505', 'GATE_STORE_FAILED', 'GATE_STORE_FAILED', 'GATE_STORE_FAILED'],
  ['42P01', 'GATE_STORE_FAILED', 'GATE_STORE_FAILED', 'GATE_STORE_FAILED'],
])('SQLSTATE %s is %s of a read, %s of a write, %s of a commit', (code, ofRead, ofWrite, ofCommit) => {
  const faults = [readFault, writeFault, commitFault].map((faultOf) => faultOf(coded(code), 'db/ward').code);
  expect(faults).toEqual([ofRead, ofWrite, ofCommit]);
});

test.each([writeFault, commitFault])('what a client reads of $name does not name the database', (faultOf) => {
  expect(faultOf(coded('57P01'), 'db/ward')).toMatchObject({
    message: expect.not.stringContaining('db/ward'),
    retryAfterMs: expect.any(Number),
  });
});

test('a violated constraint is not described as one of the store', () => {
  expect(readFault(coded('23505'), 'db/ward').message).toBe('the database db/ward failed: x');
});
