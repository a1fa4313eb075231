/**
 * A file of master keys: `ID:KEY` lines; the first key encrypts. A file that others can read is refused, as ssh does
 * with its keys. It is only replaced as a whole, and is on disk before a key in it is used: with a lost key,
 * everything that it encrypted is lost.
 */
import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { createFileAtomically, writeFileAtomically } from '../../blobs/index.ts';
import type { VaultKey, VaultKeys } from '../../functions/index.ts';
import { messageOf, randomHex, readSecretFile } from '../../lib/index.ts';
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

/**
 * @param server the user of the server that reads the file, for a command of another user
 * @throws Fault PARAMETER_KEYS_INVALID, PARAMETER_KEYS_INSECURE
 */
export function readKeyFile(file: string, server?: number): KeyFile {
  const { stat, text } = readOwnFile(file, server);
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return { keys: parseKeys(lines, file), lines, text, stat };
}

/** Creates the file with one new key; false when it already exists. @throws Fault PARAMETER_KEYS_INVALID */
export async function makeKeyFile(file: string): Promise<boolean> {
  try {
    return await createFileAtomically(file, `${header}\n${newKey().line}\n`, { mode: 0o600 });
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

/**
 * Adds a new key in front of those in the file, and returns its id. @throws Fault PARAMETER_KEYS_INVALID,
 * PARAMETER_KEYS_INSECURE
 */
export async function addKey(file: string): Promise<string> {
  const { text } = readKeyFile(file);
  const { id, line } = newKey();
  try {
    await writeFileAtomically(file, `${line}\n${text}`, { mode: 0o600 });
    return id;
  } catch (cause) {
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

function readOwnFile(file: string, server?: number): { readonly stat: Stats; readonly text: string } {
  const found = readSecretFile(file, server);
  if (!('problem' in found)) return found;
  if (found.problem === 'unreadable')
    throw invalid(`the parameter keys can't be read from ${file}: ${found.why}`, found.cause);
  throw serverFault('PARAMETER_KEYS_INSECURE', `other users can read or write ${file}, which holds keys`, {
    hint: `chmod 600 ${file}, and let it belong to ${ownersOf(server)}`,
  });
}

/** Who may own a key file, in words. */
function ownersOf(server: number | undefined): string {
  const own = process.geteuid?.();
  if (own !== 0) return `root or the user ${own}`;
  return server === undefined || server === 0
    ? 'root'
    : `root; for a server with --role api, to its user ${server}`;
}

function newKey(): { readonly id: string; readonly line: string } {
  const id = randomHex(4);
  return { id, line: `${id}:${randomBytes(keyBytes).toString('base64')}` };
}

function unwritable(file: string, cause: unknown) {
  return invalid(
    `the parameter keys can't be written to ${file}: ${messageOf(cause)}`,
    cause,
    'let the owner of the file write in its folder, or add a new key at the start of the file and rotate with --keep-key',
  );
}

const howToWriteKeys = 'write each key as ID:KEY; to create a KEY: head -c 32 /dev/urandom | base64';

function invalid(message: string, cause?: unknown, hint = howToWriteKeys) {
  return serverFault('PARAMETER_KEYS_INVALID', message, { hint, cause });
}
