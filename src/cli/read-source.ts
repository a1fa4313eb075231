/** Reading a file or standard input to its end, up to a limit. */
import { open } from 'node:fs/promises';
import { errnoOf, isFault, messageOf } from '../lib/index.ts';
import { cliFault } from './faults.ts';

/** @throws Fault SOURCE_UNREADABLE when it is missing, a folder, or larger than `maxBytes` */
export async function readBounded(source: string | NodeJS.ReadableStream, maxBytes: number): Promise<Buffer> {
  if (typeof source !== 'string') return collect(source, maxBytes, 'standard input');
  try {
    await using file = await open(source, 'r');
    if ((await file.stat()).isDirectory()) throw cliFault('SOURCE_UNREADABLE', `${source} is a folder`);
    return await collect(file.createReadStream({ autoClose: false }), maxBytes, source);
  } catch (cause) {
    if (isFault(cause)) throw cause;
    const what = errnoOf(cause) === 'ENOENT' ? `${source} does not exist` : messageOf(cause);
    throw cliFault('SOURCE_UNREADABLE', what, { cause });
  }
}

async function collect(stream: NodeJS.ReadableStream, maxBytes: number, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    size += bytes.byteLength;
    if (size > maxBytes) throw cliFault('SOURCE_UNREADABLE', `${name} is larger than ${maxBytes} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
