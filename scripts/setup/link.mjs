/**
 * The command `ward` on the path: a small program that executes the locked Node of this checkout. The set-up
 * creates it, and `ward uninstall` removes it. The set-up never touches a file of that name that it did not create.
 */
import {
  accessSync,
  constants,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runLogged } from './process.mjs';
import { recordInstalled } from './record.mjs';

const self = fileURLToPath(import.meta.url);

/** Marks a launcher that the set-up wrote. */
const marker = '# Ward’s launcher, made by its set-up; `ward uninstall` removes it. Checkout: ';

/** Path of the launcher; WARD_LINK_DIR names another folder on the path. */
export function launcherPath(env = process.env) {
  return resolve(env.WARD_LINK_DIR || '/usr/local/bin', 'ward');
}

/** @param {string} root */
export function launcherText(root) {
  const locked = join(root, 'node_modules/.bin/node');
  const node = existsSync(locked) ? locked : process.execPath;
  const program = join(root, 'bin/ward.mjs');
  const lost = `error[NOT_SET_UP]: the checkout of Ward in ${root} or its npm packages are missing`;
  const hint = 'try:   npm start, in the checkout that you want to use';
  const isThere = `[ -f ${quoted(program)} ] && [ -x ${quoted(node)} ]`;
  return [
    '#!/bin/sh',
    `${marker}${root}`,
    `${isThere} || { printf '%s\\n' ${quoted(lost)} ${quoted(hint)} >&2; exit 1; }`,
    `exec ${quoted(node)} ${quoted(program)} "$@"`,
    '',
  ].join('\n');
}

/**
 * Inspects the launcher's path: missing, this checkout's launcher, another checkout's, or another program.
 * @param {string} path @param {string} root
 * @returns {{is: 'missing' | 'current' | 'foreign'} | {is: 'other', checkout: string}}
 */
export function inspectLauncher(path, root) {
  const text = readText(path);
  if (text === undefined) return { is: 'missing' };
  const checkout = checkoutOf(text);
  if (checkout === undefined) return { is: 'foreign' };
  return text === launcherText(root) ? { is: 'current' } : { is: 'other', checkout };
}

/** The checkout that a launcher starts; undefined when the set-up did not write it. @param {string} text */
export function checkoutOf(text) {
  const line = text.split('\n', 2)[1] ?? '';
  return line.startsWith(marker) ? line.slice(marker.length) : undefined;
}

/**
 * Writes the launcher if it is missing or belongs to another checkout, and returns a message for the user.
 * @param {{root: string, log: string, prefix: readonly string[] | undefined, path?: string}} options
 * @returns {Promise<string | undefined>} undefined when it exists already
 */
export async function linkCommand({ root, log, prefix, path = launcherPath() }) {
  const found = inspectLauncher(path, root);
  if (found.is === 'current') return undefined;
  if (found.is === 'foreign')
    return `${path} is another program, which the set-up does not replace: use npx ward, or set WARD_LINK_DIR to a folder for the command`;
  const words = isWritable(path) ? [] : prefix;
  if (words === undefined)
    return `only root can create the command ${path}: use npx ward, or set WARD_LINK_DIR to a folder of your own`;
  await runLogged([...words, process.execPath, self, path, root], { log });
  await recordInstalled({ launchers: [path] }, { prefix: words, log });
  const moved =
    found.is === 'other' && found.checkout !== root ? `; before, it started ${found.checkout}` : '';
  return `created the command ${path}, which starts this checkout${moved} (ward uninstall removes it)`;
}

/** Replaces a launcher of the set-up; never overwrites a file that was added meanwhile. */
function writeLauncher(path, root) {
  const { is } = inspectLauncher(path, root);
  if (is === 'foreign') throw new Error(`${path} is another program`);
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, launcherText(root), { mode: 0o755, flag: 'wx' });
  try {
    if (is === 'missing') linkSync(draft, path);
    else renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}

function isWritable(path) {
  const folder = dirname(path);
  if (!existsSync(folder)) return folder !== path && isWritable(folder);
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Undefined when the file does not exist; empty for a link or a folder, which is never a launcher. */
function readText(path) {
  try {
    return lstatSync(path).isFile() ? readFileSync(path, 'utf8') : '';
  } catch (error) {
    return error.code === 'ENOENT' ? undefined : '';
  }
}

/** Quotes a word for a POSIX shell. */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const [, program, ...words] = process.argv;
if (program === self) writeLauncher(words[0], words[1]);
