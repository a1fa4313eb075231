import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hostRemedy } from './host-trouble.ts';

const errorWith = (fields: object) => Object.assign(new Error('no'), fields);

test.each([
  ['EROFS', 'mount its file system for writing'],
  ['ENOSPC', 'free space'],
  ['EMFILE', 'open files'],
  ['EACCES', 'a user who may'],
])('%s on a file is a fault of the machine, with a remedy', (code, remedy) => {
  expect(hostRemedy(errorWith({ code, path: '/a' }))).toContain(remedy);
});

test('a failed mkdir in a read-only folder is a fault of the machine, whatever its code', () => {
  expect(hostRemedy(errorWith({ code: 'ENOENT', syscall: 'mkdir', path: '/a' }))).toContain('for writing');
  expect(hostRemedy(errorWith({ code: 'ENOENT', syscall: 'open', path: '/a' }))).toBeUndefined();
});

test('any other error is not', () => {
  expect(hostRemedy(errorWith({ code: 'EROFS' }))).toBeUndefined();
  expect(hostRemedy(errorWith({ code: 'toString', path: '/a' }))).toBeUndefined();
  expect(hostRemedy('EROFS')).toBeUndefined();
  expect(() => readFileSync('/')).toThrow(expect.toSatisfy((error) => hostRemedy(error) === undefined));
});
