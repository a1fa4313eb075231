import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { parseStoreSetting } from '../config/store-setting.ts';
import { passwordIn, readStorePassword } from './store-password.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-password-'));
  file = join(folder, '.pgpass');
  await writeFile(file, 'db:5432:ward:ward:from the file\n', { mode: 0o600 });
});
afterAll(() => rm(folder, { recursive: true }));

const read = (url: string, env: NodeJS.ProcessEnv = {}) =>
  readStorePassword(parseStoreSetting(url), { HOME: '/nonexistent', ...env });

test('the first place that has one counts: the URL, the environment, a file', () => {
  const inHome = { HOME: folder };
  expect(read('postgres://ward:own@db/ward', { ...inHome, PGPASSWORD: 'env' })).toBe('own');
  expect(read('postgres://ward@db/ward', { ...inHome, PGPASSWORD: 'env' })).toBe('env');
  expect(read('postgres://ward@db/ward', inHome)).toBe('from the file');
  expect(read('postgres://ward@db/ward', { PGPASSFILE: file })).toBe('from the file');
  expect(read(`postgres://ward@db/ward?passfile=${encodeURIComponent(file)}`)).toBe('from the file');
  expect(read('postgres://ward@other/ward', inHome)).toBeUndefined();
  expect(read('postgres://ward@db/ward')).toBeUndefined();
});

test('a named file that is missing, or that others can read, is refused', async () => {
  const invalid = expect.objectContaining({ code: 'CONFIG_INVALID' });
  expect(() => read('postgres://ward@db/ward', { PGPASSFILE: join(folder, 'no') })).toThrow(invalid);
  const open = join(folder, 'open');
  await writeFile(open, 'db:5432:ward:ward:x');
  await chmod(open, 0o644);
  expect(() => read('postgres://ward@db/ward', { PGPASSFILE: open })).toThrow(invalid);
});

test('a file that systemd made for the service is accepted, though its mode shows an access list', async () => {
  const passwords = join(folder, 'pgpass');
  await writeFile(passwords, 'db:5432:ward:ward:from systemd\n');
  await chmod(passwords, 0o440);
  const url = 'postgres://ward@db/ward';
  expect(() => read(url, { PGPASSFILE: passwords })).toThrow();
  vi.stubEnv('CREDENTIALS_DIRECTORY', folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(read(url, { PGPASSFILE: passwords })).toBe('from systemd');
});

test.each([
  ['db:5432:ward:ward:a', 'a'],
  ['*:*:*:*:a', 'a'],
  ['# db:5432:ward:ward:no\ndb:5432:ward:ward:a', 'a'],
  ['other:5432:ward:ward:no\ndb:*:ward:ward:a\n*:*:*:*:later', 'a'],
  ['db:5432:ward:ward:a\\:b\\\\c', 'a:b\\c'],
  ['db:5432:ward:ward:a\r\n', 'a'],
  ['db:5432:ward:other:no', undefined],
  ['db:5432:ward:ward', undefined],
  ['db:5432:ward:ward:', undefined],
  ['', undefined],
])('of the file %j the password is %j', (text, password) => {
  expect(passwordIn(text, { host: 'db', port: 5432, database: 'ward', user: 'ward' })).toBe(password);
});

test('the folder of a socket also matches localhost', () => {
  const at = { host: '/run/pg', port: 5432, database: 'ward', user: 'ward' };
  expect(passwordIn('localhost:5432:ward:ward:a', at)).toBe('a');
  expect(passwordIn('/run/pg:5432:ward:ward:a', at)).toBe('a');
});
