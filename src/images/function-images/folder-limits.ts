/** Limits of a folder that becomes an image: the size of its content and the names of its files. */
import { formatSize } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import type { ArchiveLimits } from '../types.ts';
import { showName } from '../unpack/entry-name.ts';

export interface FolderBudget {
  /** Counts one more name, whether it goes in or not. @throws Fault BUILD_FOLDER_TOO_LARGE */
  countName(path: string): void;
  /** @throws Fault BUILD_FOLDER_TOO_LARGE */
  countBytes(path: string, bytes: number): void;
  /** @throws Fault BUILD_FOLDER_INVALID, BUILD_FOLDER_TOO_LARGE */
  checkPath(path: string): void;
}

/** Lower than the limits of a layer. */
export const folderLimits: ArchiveLimits = {
  maxEntries: 200_000,
  maxTotalBytes: 2 * 1024 ** 3,
  maxEntryBytes: 1024 ** 3,
  maxPathDepth: 64,
};
/** Half of PATH_MAX, as for archives. */
const maxPathBytes = 2048;
const controlCharacters = /\p{Cc}/u;
/** Decoders write it for bytes that are not UTF-8. */
const replacementCharacter = '\uFFFD';

export function folderBudget(limits: ArchiveLimits): FolderBudget {
  let names = 0;
  let total = 0;
  return {
    countName(path) {
      checkName(path);
      if (++names > limits.maxEntries) throw tooLarge(`it holds more than ${limits.maxEntries} files`);
    },
    countBytes(path, bytes) {
      total += bytes;
      if (bytes > limits.maxEntryBytes)
        throw tooLarge(
          `${showName(path)} has ${formatSize(bytes)}, more than ${formatSize(limits.maxEntryBytes)}`,
        );
      if (total > limits.maxTotalBytes)
        throw tooLarge(`with ${showName(path)} it is larger than ${formatSize(limits.maxTotalBytes)}`);
    },
    checkPath(path) {
      if (Buffer.byteLength(path) > maxPathBytes)
        throw invalid(`${showName(path)} has a path that is too long`);
      if (path.split('/').length > limits.maxPathDepth)
        throw tooLarge(`${showName(path)} is more than ${limits.maxPathDepth} folders deep`);
    },
  };
}

/** Checks every name, even of files that stay out: a file whose name is not UTF-8 can't be opened. */
function checkName(path: string): void {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (controlCharacters.test(name)) throw invalid(`${showName(path)} has a control character in its name`);
  if (name.includes(replacementCharacter)) throw invalid(`${showName(path)} has a name that is not UTF-8`);
  // In a layer it would delete a file of the base.
  if (name.startsWith('.wh.')) throw invalid(`${showName(path)} has a name that is reserved in image layers`);
}

function invalid(what: string): Error {
  return imageFault('BUILD_FOLDER_INVALID', what, { hint: 'Give it another name, or remove it.' });
}

function tooLarge(what: string): Error {
  return imageFault('BUILD_FOLDER_TOO_LARGE', `the folder is too large: ${what}`, {
    hint: 'List in .wardignore what the function does not need.',
  });
}
