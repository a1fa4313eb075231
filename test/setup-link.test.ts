/** The command `ward` that the set-up puts on the path: made, left alone, moved to another checkout. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCommand } from '../src/lib/index.ts';
import { checkout, launcherText, linkCommand } from './linked-command.ts';
import { outsideEnv } from './ward.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-link-'));
  path = join(folder, 'bin/ward');
  process.env['WARD_SETUP_RECORD'] = join(folder, 'set-up.json');
});
afterEach(async () => {
  delete process.env['WARD_SETUP_RECORD'];
  await rm(folder, { recursive: true });
});

const link = (root = checkout, prefix: readonly string[] | undefined = []) =>
  linkCommand({ root, path, prefix, log: join(folder, 'log') });

test('it is made once, reported, and starts Ward from any folder', async () => {
  expect(await link()).toBe(
    `created the command ${path}, which starts this checkout (ward uninstall removes it)`,
  );
  expect(await link()).toBeUndefined();
  expect((await stat(path)).mode & 0o777).toBe(0o755);
  expect(await readdir(join(folder, 'bin'))).toEqual(['ward']);
  const outcome = await runCommand([path, 'property', 'get', '--apihost'], { cwd: '/', env: outsideEnv() });
  expect(outcome).toMatchObject({ code: 0, stdout: 'http://127.0.0.1:3233\n', stderr: '' });
  // The process is the command itself, not a program that waits for it.
  expect(await readFile(path, 'utf8')).toMatch(/^exec \S+\/node' \S+\/ward\.mjs' "\$@"$/m);
});

test.each([
  ['a program', () => writeFile(path, '#!/bin/sh\necho another ward\n')],
  ['a link to one', () => symlink('/bin/true', path)],
  ['a link to nowhere', () => symlink('/nowhere', path)],
  ['a folder', () => mkdir(path)],
])('%s of that name, which the set-up did not make, stays unchanged', async (_, make) => {
  await mkdir(join(folder, 'bin'));
  await make();
  const before = await stat(path).catch(() => undefined);
  expect(await link()).toMatch(/is another program, which the set-up does not replace: use npx ward/);
  expect((await stat(path).catch(() => undefined))?.ino).toBe(before?.ino);
  expect(await readdir(join(folder, 'bin'))).toEqual(['ward']);
});

test('one of another checkout is pointed to this one, and the output says so', async () => {
  const other = join(folder, 'it’s 100% other');
  await link(other);
  // The other checkout does not exist, and the command says so.
  expect(await runCommand([path])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`the checkout of Ward in ${other} or its npm packages are missing`),
  });
  expect(await link()).toContain(`; before, it started ${other}`);
  expect(await readFile(path, 'utf8')).toBe(launcherText(checkout));
});

test('without the rights to make it, the output says what else to do', async () => {
  await mkdir(join(folder, 'bin'));
  await chmod(join(folder, 'bin'), 0o555);
  // Root could still write there.
  const script = `import { linkCommand } from '${checkout}/scripts/setup/link.mjs';
    console.log(await linkCommand({ root: '/x', path: '${path}', prefix: undefined, log: '/dev/null' }));`;
  await chmod(folder, 0o755);
  const asNobody = process.getuid?.() === 0 ? ['setpriv', '--reuid', '65534', '--clear-groups'] : [];
  const outcome = await runCommand([...asNobody, process.execPath, '--input-type=module', '-e', script]);
  expect(outcome.stdout).toMatch(/^only root can create the command .*: use npx ward, or set WARD_LINK_DIR/);
  expect(await readdir(join(folder, 'bin'))).toEqual([]);
});
