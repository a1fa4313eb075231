/** What a zip holds, by name: enough to tell its kind. */
import { fromBuffer } from 'yauzl';
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
