/**
 * Third-party clients that only tests run, with hundreds of packages: kept outside of the checkout, under the digest
 * of their lock file, so that a machine installs them only once, and never for users who only run Ward.
 */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { runLogged } from './process.mjs';

/** The folder with their `node_modules`. @param {string} root */
export function serverlessDir(root) {
  const lock = readFileSync(lockFile(root));
  return join(cacheDir(root), createHash('sha256').update(lock).digest('hex').slice(0, 16));
}

/** Also true without the tests that need them. @param {string} root */
export function clientsAreReady(root) {
  return !existsSync(lockFile(root)) || existsSync(join(serverlessDir(root), 'node_modules'));
}

/** @param {string} root @param {string} log */
export async function installClients(root, log) {
  const parent = cacheDir(root);
  rmSync(parent, { recursive: true, force: true });
  mkdirSync(parent, { recursive: true });
  const making = mkdtempSync(join(parent, 'making-'));
  for (const name of readdirSync(join(root, 'test/serverless')))
    cpSync(join(root, 'test/serverless', name), join(making, name));
  cpSync(join(root, '.npmrc'), join(making, '.npmrc'));
  await runLogged(['npm', 'ci', '--ignore-scripts'], { log, cwd: making });
  renameSync(making, serverlessDir(root));
}

function lockFile(root) {
  return join(root, 'test/serverless/package-lock.json');
}

function cacheDir(root) {
  const isRoot = process.getuid?.() === 0;
  const machine = process.env.WARD_CACHE || (isRoot ? '/var/cache/ward' : join(root, '.cache'));
  return join(machine, 'serverless');
}
