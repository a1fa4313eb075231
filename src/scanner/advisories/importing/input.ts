/** Unpacks the bytes of an input under a limit. Refuses input that is cut off or expands too much. */
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type Fault, isFault, nodeCodeOf } from '../../../lib/index.ts';
import { scannerFault } from '../../faults.ts';

/** The limit for one record or one line. */
export const maxRecordBytes = 64 * 1024 * 1024;
/** The limit for a whole unpacked file. */
const maxTotalBytes = 16 * 1024 ** 3;
/** Real exports reach a tenth of it. Below the floor, expansion does no harm. */
const maxExpansion = 200;
const expansionFloor = 64 * 1024 * 1024;

/**
 * Calls `progress` with the number of bytes read of the packed file.
 * @throws Fault ADVISORY_FILE_INVALID, ADVISORY_FILE_TOO_LARGE
 */
export async function* unpackedBytes(
  path: string,
  progress: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  let unpacked = 0;
  try {
    for await (const chunk of isGzip(path) ? gunzip(file) : file) {
      unpacked += chunk.length;
      refuseGrowth(path, file.bytesRead, unpacked);
      progress(file.bytesRead);
      yield chunk;
    }
  } catch (error) {
    if (isFault(error)) throw error;
    throw nodeCodeOf(error)?.startsWith('Z_')
      ? damaged(path, 'its compression is damaged or cut off')
      : error;
  } finally {
    file.destroy();
  }
}

/** @throws Fault ADVISORY_FILE_TOO_LARGE */
export function refuseGrowth(path: string, packed: number, unpacked: number): void {
  if (unpacked <= maxTotalBytes && unpacked <= Math.max(expansionFloor, packed * maxExpansion)) return;
  throw scannerFault(
    'ADVISORY_FILE_TOO_LARGE',
    `${path} unpacks to more than ${maxExpansion} times its size`,
  );
}

export function damaged(path: string, reason: string): Fault {
  return scannerFault('ADVISORY_FILE_INVALID', `${path}: ${reason}`, {
    hint: 'Get the file again from its source. The old advisories stay.',
  });
}

/** The first bytes of the file, still packed. */
export function firstBytes(path: string, count: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(count);
    return bytes.subarray(0, readSync(file, bytes, 0, count, 0));
  } finally {
    closeSync(file);
  }
}

function isGzip(path: string): boolean {
  return firstBytes(path, 2).equals(Buffer.from([0x1f, 0x8b]));
}

/** Passes errors of the file on to the reader of the unpacked stream. */
function gunzip(file: Readable): Readable {
  const unzip = createGunzip();
  pipeline(file, unzip, () => {});
  return unzip;
}
