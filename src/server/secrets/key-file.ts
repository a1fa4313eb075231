/**
 * A file of master keys: `ID:KEY` lines; the first key encrypts. A file that others can read is refused, as ssh does
 * with its keys. It is only replaced as a whole, and is on disk before a key in it is used: with a lost key,
 * everything that it encrypted is lost.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { link, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { VaultKey, VaultKeys } from '../../functions/index.ts';
import { errnoOf, messageOf, randomHex } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';

interface KeyFile {
  readonly keys: VaultKeys;
  /** `ID:KEY` each. */
  readonly lines: readonly string[];
  readonly text: string;
  readonly stat: Stats;
}

const keyBytes = 32;
const mostKeys = 100;
const header =
  '# Keys that encrypt parameters. The first one encrypts, all of them decrypt. Keep a copy elsewhere.';

/** @throws Fault PARAMETER_KEYS_INVALID, PARAMETER_KEYS_INSECURE */
export function readKeyFile(file: string): KeyFile {
  const { stat, text } = readOwnFile(file);
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return { keys: parseKeys(lines, file), lines, text, stat };
}

/** Creates the file with one new key; false when it already exists. @throws Fault PARAMETER_KEYS_INVALID */
export async function makeKeyFile(file: string): Promise<boolean> {
  const written = await writeBeside(file, `${header}\n${newKey().line}\n`);
  try {
    await link(written, file);
    await syncFolder(file);
    return true;
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST') return false;
    throw unwritable(file, cause);
  } finally {
    await rm(written, { force: true });
  }
}

/**
 * Adds a new key in front of those in the file, and returns its id. @throws Fault PARAMETER_KEYS_INVALID,
 * PARAMETER_KEYS_INSECURE
 */
export async function addKey(file: string): Promise<string> {
  const { text } = readKeyFile(file);
  const { id, line } = newKey();
  const written = await writeBeside(file, `${line}\n${text}`);
  try {
    await rename(written, file);
    await syncFolder(file);
    return id;
  } catch (cause) {
    await rm(written, { force: true });
    throw unwritable(file, cause);
  }
}

/**
 * Parses `ID:KEY` lines. Errors never quote the text, which may be a key.
 * @param source its name in messages
 * @throws Fault PARAMETER_KEYS_INVALID
 */
export function parseKeys(texts: readonly string[], source: string): VaultKeys {
  const keys = texts.map((text, index): VaultKey => {
    const [, id, encoded] = /^([\w-]{1,32}):([A-Za-z0-9+/_-]+={0,2})$/.exec(text.trim()) ?? [];
    const secret = Buffer.from(encoded ?? '', 'base64');
    if (id !== undefined && secret.length === keyBytes) return { id, secret };
    throw invalid(`${source}: key ${index + 1} is not ID:KEY with ${keyBytes} bytes of base64`);
  });
  const [first, ...others] = keys;
  if (first === undefined) throw invalid(`${source}: it has no key`);
  if (keys.length > mostKeys) throw invalid(`${source}: it has more than ${mostKeys} keys`);
  const ids = new Set(keys.map(({ id }) => id));
  if (ids.size < keys.length) throw invalid(`${source}: two keys have the same id`);
  return [first, ...others];
}

function readOwnFile(file: string): { readonly stat: Stats; readonly text: string } {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw invalid(`the parameter keys can't be read from ${file}: ${messageOf(cause)}`, cause);
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw invalid(`the parameter keys can't be read from ${file}: it is not a file`);
    if ((stat.mode & 0o077) !== 0 || (stat.uid !== 0 && stat.uid !== process.geteuid?.())) {
      throw serverFault(
        'PARAMETER_KEYS_INSECURE',
        `other users can read or write ${file}, which holds keys`,
        {
          hint: `chown root ${file} && chmod 600 ${file}`,
        },
      );
    }
    return { stat, text: readFileSync(descriptor, 'utf8') };
  } finally {
    closeSync(descriptor);
  }
}

function newKey(): { readonly id: string; readonly line: string } {
  const id = randomHex(4);
  return { id, line: `${id}:${randomBytes(keyBytes).toString('base64')}` };
}

/** Writes the text durably to a new file in the same folder. */
async function writeBeside(file: string, text: string): Promise<string> {
  const path = `${file}.${randomHex(4)}`;
  try {
    const handle = await open(path, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return path;
  } catch (cause) {
    await rm(path, { force: true });
    throw unwritable(file, cause);
  }
}

async function syncFolder(file: string): Promise<void> {
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function unwritable(file: string, cause: unknown) {
  return invalid(`the parameter keys can't be written to ${file}: ${messageOf(cause)}`, cause);
}

function invalid(message: string, cause?: unknown) {
  return serverFault('PARAMETER_KEYS_INVALID', message, {
    hint: 'write each key as ID:KEY; to create a KEY: head -c 32 /dev/urandom | base64',
    cause,
  });
}
