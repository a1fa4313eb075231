/**
 * Splits an archive entry's name into the parts of a relative path. Refuses every name that could have another
 * meaning: absolute, with `..`, with NUL or other control characters, not UTF-8, too long or too deep. Answers
 * CVE-2018-1002200 ("zip slip") and its many successors.
 */
import { errnoOf } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';

/** NAME_MAX of Linux, in bytes. */
const maxPartBytes = 255;
/** Half of PATH_MAX: the rest is for the target folder. */
const maxNameBytes = 2048;
const controlCharacters = /\p{Cc}/u;
/** Decoders write it for bytes that are not UTF-8. */
const replacementCharacter = '\uFFFD';

/**
 * An empty list means the root itself. `shown` is the entry's name in messages.
 * @throws Fault ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE
 */
export function entryParts(name: string, maxDepth: number, shown = showName(name)): readonly string[] {
  if (controlCharacters.test(name)) throw unsafe(`${shown} has a control character in its name`);
  if (name.includes(replacementCharacter)) throw unsafe(`${shown} has a name that is not UTF-8`);
  if (name.startsWith('/')) throw unsafe(`${shown} has an absolute path`);
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw unsafe(`${shown} leads out of the archive`);
  if (
    Buffer.byteLength(name) > maxNameBytes ||
    parts.some((part) => Buffer.byteLength(part) > maxPartBytes)
  ) {
    throw unsafe(`${shown} has a name that is too long`);
  }
  if (parts.length > maxDepth) {
    throw imageFault(
      'ARCHIVE_TOO_LARGE',
      `${shown} is ${parts.length} folders deep; at most ${maxDepth} are allowed`,
    );
  }
  return parts;
}

/** Quotes, escapes and shortens a name for a message. */
export function showName(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}

export function unsafe(message: string): Error {
  return imageFault('ARCHIVE_UNSAFE', message, { hint: 'Make the archive again without this entry.' });
}

/** Whether the cause is this machine's file system (`ENOSPC`), and not the archive. */
export function isSystemError(error: unknown): boolean {
  return errnoOf(error) !== undefined;
}
