/**
 * The console's files for browsers: checks whether they were built of these sources, and builds them. A hash of the
 * sources and of the lock file is the stamp; it is written last.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runLogged } from './process.mjs';

const sources = 'src/dashboard/web';
const builder = 'scripts/build-console.ts';

/** Also true where its sources are not. @param {string} root */
export function consoleIsBuilt(root) {
  if (!existsSync(join(root, sources))) return true;
  try {
    return readFileSync(stampOf(root), 'utf8') === stamp(root);
  } catch {
    return false;
  }
}

/** @param {string} root @param {string} log */
export async function buildConsole(root, log) {
  const locked = join(root, 'node_modules/.bin/node');
  const node = existsSync(locked) ? locked : process.execPath;
  const before = stamp(root);
  await runLogged([node, join(root, builder), folderOf(root)], { log, cwd: root });
  writeFileSync(stampOf(root), before);
}

function folderOf(root) {
  return join(root, '.cache/console');
}

function stampOf(root) {
  return join(folderOf(root), 'stamp');
}

function stamp(root) {
  const hash = createHash('sha256');
  const files = readdirSync(join(root, sources), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
  for (const file of [...files, join(root, builder), join(root, 'package-lock.json')])
    hash
      .update(`${file.slice(root.length)}\0`)
      .update(readFileSync(file))
      .update('\0');
  return hash.digest('hex');
}
