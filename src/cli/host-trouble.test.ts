import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hostRemedy } from './host-trouble.ts';

const errorWith = (fields: object) => Object.assign(new Error('no'), fields);

test.each([
  ['EROFS', 'mount its file system for writing'],
  ['ENOSPC', 'free space'],
  ['EMFILE', 'open files'],
  ['EACCES', 'a user who may'],
])('%s on a file is the machine’s, and says what to do', (code, remedy) => {
  expect(hostRemedy(errorWith({ code, path: '/a' }))).toContain(remedy);
});

test('a folder that can’t be made below a read-only one is the machine’s, whatever Node calls it', () => {
  expect(hostRemedy(errorWith({ code: 'ENOENT', syscall: 'mkdir', path: '/a' }))).toContain('for writing');
  expect(hostRemedy(errorWith({ code: 'ENOENT', syscall: 'open', path: '/a' }))).toBeUndefined();
});

test('anything else is not known to be', () => {
  expect(hostRemedy(errorWith({ code: 'EROFS' }))).toBeUndefined();
  expect(hostRemedy(errorWith({ code: 'toString', path: '/a' }))).toBeUndefined();
  expect(hostRemedy('EROFS')).toBeUndefined();
  expect(() => readFileSync('/')).toThrow(expect.toSatisfy((error) => hostRemedy(error) === undefined));
});
