/** Reads a file or standard input to its end, up to a limit. */
import { fstatSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { collectUpTo, errnoOf, isFault, messageOf } from '../lib/index.ts';
import { cliFault } from './faults.ts';

/**
 * @param name of a stream, in messages
 * @throws Fault SOURCE_UNREADABLE when it is missing, a folder, or larger than `maxBytes`
 */
export async function readBounded(
  source: string | NodeJS.ReadableStream,
  maxBytes: number,
  name = 'standard input',
): Promise<Buffer> {
  if (typeof source !== 'string') return collect(source, maxBytes, name);
  try {
    await using file = await open(source, 'r');
    if ((await file.stat()).isDirectory()) throw cliFault('SOURCE_UNREADABLE', `${source} is a folder`);
    return await collect(file.createReadStream({ autoClose: false }), maxBytes, source);
  } catch (cause) {
    if (isFault(cause)) throw cause;
    throw unreadable(source, cause);
  }
}

/** Opens a file for another process to read. @returns a descriptor @throws Fault SOURCE_UNREADABLE */
export function openToRead(path: string): number {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (cause) {
    throw unreadable(path, cause);
  }
  if (fstatSync(descriptor).isDirectory()) throw cliFault('SOURCE_UNREADABLE', `${path} is a folder`);
  return descriptor;
}

function unreadable(path: string, cause: unknown) {
  const what = errnoOf(cause) === 'ENOENT' ? `${path} does not exist` : messageOf(cause);
  return cliFault('SOURCE_UNREADABLE', what, { cause });
}

function collect(source: NodeJS.ReadableStream, maxBytes: number, name: string): Promise<Buffer> {
  const tooLarge = () => cliFault('SOURCE_UNREADABLE', `${name} is larger than ${maxBytes} bytes`);
  return collectUpTo(source, maxBytes, tooLarge);
}
