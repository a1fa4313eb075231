/**
 * The npm packages of the lock file: checks whether they are installed, and runs `npm ci` if not. npm's own record of
 * the installed packages is the stamp: npm writes it last, so an interrupted install leaves none.
 */
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runLogged, SetupError } from './process.mjs';

/** Older Node releases only start the locked one. */
const neededNode = 24;

/** True when everything in the lock file is installed in its version. @param {string} root */
export function packagesAreCurrent(root) {
  const locked = readPackages(join(root, 'package-lock.json'));
  if (locked === undefined) throw new SetupError(`${root}/package-lock.json can't be read`);
  const installed = readPackages(join(root, 'node_modules/.package-lock.json'));
  if (installed === undefined || !hasNode(root)) return false;
  return Object.entries(locked).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    if (found === undefined) return entry.optional === true || entry.devOptional === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** @param {string} root @param {string} log */
export async function installPackages(root, log) {
  // npm deletes the folder of the Node in it, so it runs with the machine's Node.
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((entry) => !entry.endsWith('node_modules/.bin'))
    .join(delimiter);
  await runLogged(['npm', 'ci', '--include=dev'], { log, cwd: root, env: { ...process.env, PATH: path } });
  if (!hasNode(root))
    throw new SetupError(
      `the packages have no Node ${neededNode} for ${process.platform}-${process.arch}: install one yourself`,
      { exitCode: 2 },
    );
}

/** Makes `npx ward` work in the checkout; `npm ci` removes the link. @param {string} root */
export function linkWard(root) {
  const link = join(root, 'node_modules/.bin/ward');
  const target = '../../bin/ward.mjs';
  if (readLink(link) === target) return;
  mkdirSync(join(root, 'node_modules/.bin'), { recursive: true });
  rmSync(link, { force: true });
  try {
    symlinkSync(target, link);
  } catch (error) {
    if (readLink(link) !== target) throw error;
  }
}

function hasNode(root) {
  return (
    existsSync(join(root, 'node_modules/.bin/node')) ||
    Number.parseInt(process.versions.node, 10) >= neededNode
  );
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function readLink(path) {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
