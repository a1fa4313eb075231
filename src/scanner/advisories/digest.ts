/**
 * Keeps the digest of the advisory file beside it from the import on, because SQLite does not notice a value that changed
 * on the disk. Each digest names the import that made the file, so a file from elsewhere has none.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { errnoOf } from '../../lib/index.ts';
import { readState } from './reader.ts';
import { openReadOnly } from './schema.ts';

/** `unknown`: no digest is noted for this file. */
type DigestState = 'same' | 'differs' | 'unknown';

const readBytes = 256 * 1024;
const line = /^([0-9a-f]{64}) {2}(\S+)$/;

const fileFor = (path: string): string => `${path}.sha256`;

/** @throws what node:sqlite throws for a file that it can't read */
export async function compareDigest(path: string): Promise<DigestState> {
  const said = notedIn(path).get(importOf(path));
  if (said === undefined) return 'unknown';
  return said === (await digestOf(path)) ? 'same' : 'differs';
}

/**
 * Notes the digest of `made`, which is about to replace `path`. The digest of the file before it stays until the next call.
 */
export async function noteDigest(made: string, path: string): Promise<void> {
  const before = [...notedIn(path)].slice(0, 1);
  const entries = [[importOf(made), await digestOf(made)] as const, ...before];
  const text = entries.map(([key, digest]) => `${digest}  ${key}\n`).join('');
  const temporary = `${fileFor(path)}.new`;
  const file = openSync(temporary, 'w', 0o644);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, fileFor(path));
}

/** Digests by import, newest first. */
function notedIn(path: string): ReadonlyMap<string, string> {
  try {
    const lines = readFileSync(fileFor(path), 'utf8').split('\n').slice(0, 2);
    return new Map(
      lines.flatMap((text) => {
        const [, digest = '', key = ''] = line.exec(text) ?? [];
        return digest === '' ? [] : [[key, digest] as const];
      }),
    );
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return new Map();
    throw error;
  }
}

/** Identifies the import that made the file by its revision and the time of its last check. No two imports share both. */
function importOf(path: string): string {
  const db = openReadOnly(path);
  try {
    const [newest] = db.prepare('select max(checked_at) as at from source').all();
    return `${readState(db).revision}@${newest?.['at'] ?? ''}`;
  } finally {
    db.close();
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: readBytes })) hash.update(piece);
  return hash.digest('hex');
}
