/** Counts what an archive has cost so far against what it may. */
import { formatSize } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import type { ArchiveLimits } from '../types.ts';
import { showName } from './entry-name.ts';

export interface UnpackBudget {
  /** One more entry. @throws Fault ARCHIVE_TOO_LARGE */
  countEntry(name: string): void;
  /** More bytes of the entry `name`, of which `soFar` came before. @throws Fault ARCHIVE_TOO_LARGE */
  countBytes(name: string, bytes: number, soFar: number): void;
}

export function newBudget(limits: ArchiveLimits): UnpackBudget {
  let entries = 0;
  let total = 0;
  return {
    countEntry: (name) => {
      if (++entries > limits.maxEntries) {
        throw tooLarge(`${showName(name)} is over the limit of ${limits.maxEntries} entries`);
      }
    },
    countBytes: (name, bytes, soFar) => {
      total += bytes;
      if (soFar + bytes > limits.maxEntryBytes) {
        throw tooLarge(`${showName(name)} is larger than ${formatSize(limits.maxEntryBytes)}`);
      }
      if (total > limits.maxTotalBytes) {
        throw tooLarge(
          `with ${showName(name)} the content is larger than ${formatSize(limits.maxTotalBytes)}`,
        );
      }
    },
  };
}

function tooLarge(message: string): Error {
  return imageFault('ARCHIVE_TOO_LARGE', message);
}
