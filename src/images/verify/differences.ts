/** Compares a folder with its expected content: names, kinds, modes, owners, sizes, contents, targets of links. */
import { createHash } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from 'node:fs';
import { messageOf } from '../../lib/index.ts';
import type { Expected } from './expected.ts';

export interface Differences {
  readonly count: number;
  /** The first differences: a path and its problem. */
  readonly first: readonly string[];
}

const mostTold = 20;
const readBytes = 256 * 1024;
const executable = 0o755;

/** Follows no link. Blocks, so it runs in a process of its own. */
export function differencesIn(root: string, expected: ReadonlyMap<string, Expected>): Differences {
  const first: string[] = [];
  let count = 0;
  const tell = (path: string, what: string): void => {
    if (++count <= mostTold) first.push(`${path} ${what}`);
  };
  const owner = lstatSync(root, { bigint: true });
  const seen = new Set<string>();
  const look = (path: string): void => {
    seen.add(path);
    const wanted = expected.get(path);
    if (wanted === undefined) {
      tell(path, 'is not in the layer');
      return;
    }
    const found = lstatSync(`${root}/${path}`, { bigint: true });
    if (found.uid !== owner.uid || found.gid !== owner.gid) tell(path, 'has the wrong owner');
    const problem = problemOf(`${root}/${path}`, found, wanted);
    if (problem !== undefined) tell(path, problem);
    if (found.isDirectory()) walk(path);
  };
  const walk = (folder: string): void => {
    for (const name of readdirSync(`${root}/${folder}`)) {
      const path = folder === '' ? name : `${folder}/${name}`;
      try {
        look(path);
      } catch (error) {
        tell(path, `can’t be read: ${messageOf(error)}`);
      }
    }
  };
  walk('');
  for (const path of expected.keys()) if (!seen.has(path)) tell(path, 'is missing');
  return { count, first };
}

function problemOf(path: string, found: BigIntStats, wanted: Expected): string | undefined {
  if (kindOf(found) !== wanted.kind) return `is not a ${wanted.kind}`;
  const mode = Number(found.mode & 0o7777n);
  switch (wanted.kind) {
    case 'folder':
      return mode === executable ? undefined : 'has the wrong mode';
    case 'link':
      return readlinkSync(path) === wanted.target ? undefined : 'leads elsewhere';
    case 'file':
      if (mode !== wanted.mode) return 'has the wrong mode';
      if (Number(found.size) !== wanted.size) return 'has the wrong size';
      return sha256Of(path) === wanted.sha256 ? undefined : 'has the wrong content';
    case 'deletion':
      return undefined;
  }
}

function kindOf(found: BigIntStats): Expected['kind'] | 'device' {
  if (found.isDirectory()) return 'folder';
  if (found.isSymbolicLink()) return 'link';
  if (found.isFile()) return 'file';
  return found.isCharacterDevice() && found.rdev === 0n ? 'deletion' : 'device';
}

function sha256Of(path: string): string {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(readBytes);
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer))
      hash.update(buffer.subarray(0, read));
    return hash.digest('hex');
  } finally {
    closeSync(file);
  }
}
