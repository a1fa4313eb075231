/** Reads the names in a zip, and one of its files: enough to detect its kind. */
import { fromBuffer, fromBufferPromise } from 'yauzl';
import { messageOf } from '../lib/index.ts';
import { cliFault } from './faults.ts';

const maxEntries = 100_000;

export function isZip(bytes: Buffer): boolean {
  return bytes.subarray(0, 4).equals(Buffer.from('PK\u0003\u0004', 'latin1'));
}

/** @param file its name, for messages. @throws Fault SOURCE_UNREADABLE */
export function entryNames(zip: Buffer, file: string): Promise<Set<string>> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: Error) =>
      reject(cliFault('SOURCE_UNREADABLE', `${file} is not a readable zip: ${cause.message}`, { cause }));
    fromBuffer(zip, { lazyEntries: true }, (error, archive) => {
      if (error) return refuse(error);
      const names = new Set<string>();
      archive.on('error', refuse);
      archive.on('end', () => resolve(names));
      archive.on('entry', (entry) => {
        names.add(entry.fileName);
        if (names.size > maxEntries) refuse(new Error(`more than ${maxEntries} entries`));
        else archive.readEntry();
      });
      archive.readEntry();
    });
  });
}

/** The content of one entry; empty when it has more than `maxBytes`. @throws Fault SOURCE_UNREADABLE */
export async function readEntry(zip: Buffer, file: string, name: string, maxBytes: number): Promise<Buffer> {
  try {
    const archive = await fromBufferPromise(zip);
    for await (const entry of archive.eachEntry()) {
      if (entry.fileName !== name) continue;
      if (entry.uncompressedSize > maxBytes) return Buffer.alloc(0);
      const chunks: Buffer[] = [];
      // The stream fails when an entry is larger than the directory claims.
      for await (const chunk of await archive.openReadStreamPromise(entry)) chunks.push(Buffer.from(chunk));
      return Buffer.concat(chunks);
    }
    return Buffer.alloc(0);
  } catch (cause) {
    throw cliFault('SOURCE_UNREADABLE', `${file} is not a readable zip: ${messageOf(cause)}`, { cause });
  }
}
