/**
 * Reads the program of a runtime image from its folder: every file that is not a test, and the start command from
 * `entrypoint.json`.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { imageFault } from '../faults.ts';
import { parseDocument } from '../oci/schema.ts';

/** The runners of this installation. */
export const installedRunnersDir = fileURLToPath(new URL('../../../runners', import.meta.url));

export interface RunnerFiles {
  /** Path below `/ward` → bytes. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** The hash of all names and bytes. */
  readonly hash: string;
  /** The image's entry point: `argv` of the folder's `entrypoint.json`. */
  readonly entrypoint: readonly string[];
}

const entrypointSchema = z.looseObject({ argv: z.array(z.string().min(1)).min(1) });
const skippedFolders = new Set(['__pycache__', 'fixtures', 'node_modules', 'test', 'tests']);

/** @throws Fault IMAGE_BUILD_FAILED when there is no runner */
export async function readRunner(runnersDir: string, name: string): Promise<RunnerFiles> {
  const folder = join(runnersDir, name);
  const paths = await listFiles(folder);
  const files = new Map<string, Buffer>();
  const hash = createHash('sha256');
  for (const path of paths) {
    const bytes = await readFile(join(folder, path));
    files.set(path, bytes);
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  const described = files.get('entrypoint.json');
  if (described === undefined) throw imageFault('IMAGE_BUILD_FAILED', `${folder} has no entrypoint.json`);
  const { argv } = parseDocument(entrypointSchema, described, join(folder, 'entrypoint.json'));
  return { files, hash: hash.digest('hex'), entrypoint: argv };
}

async function listFiles(folder: string): Promise<string[]> {
  const paths: string[] = [];
  const found = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const item of found) {
    if (item.isDirectory() && !skippedFolders.has(item.name)) {
      for (const path of await listFiles(join(folder, item.name))) paths.push(`${item.name}/${path}`);
    } else if (item.isFile() && !isTest(item.name)) {
      paths.push(relative(folder, join(folder, item.name)));
    }
  }
  return paths.sort();
}

function isTest(name: string): boolean {
  return name.startsWith('.') || /\.test\.|^test_|_test\.py$/.test(name);
}
