import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mustRun } from '../lib/index.ts';
import { strictPolicy } from './policy.ts';
import { checkRequest } from './request.ts';
import type { SandboxRequest } from './types.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ward-request-'));
  await chmod(root, 0o755);
  for (const name of ['proc', 'dev', 'tmp', 'fn']) await mkdir(join(root, name));
});
afterEach(() => rm(root, { recursive: true }));

const check = (changes: Partial<SandboxRequest> = {}) =>
  checkRequest({
    rootDir: root,
    args: ['/bin/true'],
    env: { A: 'b' },
    cwd: '/',
    policy: strictPolicy,
    channel: 'none',
    ...changes,
  });
const refused = (changes: Partial<SandboxRequest> = {}) =>
  expect(check(changes)).rejects.toMatchObject({ code: 'REQUEST_UNSAFE' });

test('a plain request passes', async () => {
  expect(await check({ codeDir: root })).toEqual({ landlockLauncher: undefined });
});

test.each(['proc', 'dev', 'tmp', 'fn'])('/%s that is a symbolic link is refused', async (name) => {
  await rm(join(root, name), { recursive: true });
  await symlink('/', join(root, name));
  await refused({ codeDir: root });
});

test.each(['proc', 'dev', 'tmp', 'fn'])(
  '/%s that is missing is refused, so that no runtime makes it',
  async (name) => {
    await rm(join(root, name), { recursive: true });
    await refused({ codeDir: root });
  },
);

test('a folder above a mount target that is a symbolic link is refused', async () => {
  await symlink('/etc', join(root, 'var'));
  const tmpfs = [...strictPolicy.tmpfs, { path: '/var/x', sizeBytes: 4096, inodes: 10, exec: false }];
  await refused({ policy: { ...strictPolicy, tmpfs } });
});

test.each<[string, Partial<SandboxRequest>]>([
  ['no program', { args: [] }],
  ['a relative working directory', { cwd: 'tmp' }],
  ['a working directory in /proc', { cwd: '/tmp/../proc/self/fd/7' }],
  ['a NUL byte in an argument', { args: ['a\0b'] }],
  ['a NUL byte in the environment', { env: { A: '\0' } }],
  ['an environment name with =', { env: { 'A=B': 'c' } }],
  ['an empty environment name', { env: { '': 'c' } }],
  ['a relative root', { rootDir: 'root' }],
  ['a root that isn’t there', { rootDir: '/nonexistent' }],
  ['a code folder with dots', { codeDir: '/tmp/../etc' }],
])('%s is refused', async (_, changes) => {
  await refused(changes);
});

test.each(['passwd', 'group'])(
  'a pipe at /etc/%s is refused, also behind links of the root',
  async (name) => {
    await mkdir(join(root, 'etc'));
    await mkdir(join(root, 'lib'));
    await symlink('../../../lib/one', join(root, 'etc', name));
    await check();
    await writeFile(join(root, 'lib/two'), '');
    await symlink('/lib/two', join(root, 'lib/one'));
    await check();
    await rm(join(root, 'lib/two'));
    await mustRun(['mkfifo', join(root, 'lib/two')]);
    await refused();
  },
);

test('links at /etc/passwd that go in circles are refused', async () => {
  await mkdir(join(root, 'etc'));
  await symlink('/etc/passwd', join(root, 'etc/passwd'));
  await refused();
});

test('a root or code folder that is a symbolic link is refused', async () => {
  await symlink(root, join(root, 'link'));
  await refused({ rootDir: join(root, 'link') });
  await refused({ codeDir: join(root, 'link') });
});

test('a folder that no sandbox could enter is refused with the command that helps', async () => {
  await chmod(root, 0o700);
  await expect(check()).rejects.toMatchObject({ code: 'REQUEST_UNSAFE', hint: `chmod o+x ${root}` });
});

test('a setpriv in the image is used for Landlock only when it knows it', async () => {
  await mkdir(join(root, 'usr/bin'), { recursive: true });
  const setpriv = join(root, 'usr/bin/setpriv');
  await writeFile(setpriv, 'an old one');
  expect((await check()).landlockLauncher).toBeUndefined();
  await writeFile(setpriv, 'a new one: --landlock-access');
  expect((await check()).landlockLauncher).toBe('/usr/bin/setpriv');
  await rm(setpriv);
  await symlink('/bin/busybox', setpriv);
  expect((await check()).landlockLauncher).toBeUndefined();
});
