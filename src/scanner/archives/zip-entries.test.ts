import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { ZipFile } from 'yazl';
import { zipEntries } from './zip-entries.ts';

/** A zip with one deflated entry `a/b.class` and a changed record in the directory. */
async function zipWith(change: (zip: Buffer, record: number) => void): Promise<Buffer> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from('content '.repeat(100)), 'a/b.class');
  zip.end();
  const bytes = await buffer(zip.outputStream);
  change(bytes, bytes.indexOf('PK\x01\x02', 0, 'latin1'));
  return bytes;
}

/** Offset in the directory record (APPNOTE.TXT 4.3.12) of the length of the entry. */
const lengthAt = 24;
/** Offset of the entry's content, after its header of 30 bytes and its name. */
const contentAt = 30 + 'a/b.class'.length;

test.each<[what: string, change: (zip: Buffer, record: number) => void, says: string]>([
  [
    'understates its length',
    (zip, record) => zip.writeUInt32LE(799, record + lengthAt),
    'a/b.class is longer than it says',
  ],
  [
    'says that it is empty',
    (zip, record) => zip.writeUInt32LE(0, record + lengthAt),
    'a/b.class is longer than it says',
  ],
  ['is damaged', (zip) => zip.fill(0xff, contentAt, contentAt + 4), 'a/b.class is damaged'],
])('an entry that %s fails with its name', async (_what, change, says) => {
  for await (const entry of zipEntries(await zipWith(change)))
    await expect(entry.read(1_000_000)).rejects.toThrow(new Error(says));
});

test('an entry keeps its content', async () => {
  const found: string[] = [];
  for await (const { name, read } of zipEntries(await zipWith(() => {})))
    found.push(`${name} ${(await read(800)).length}`);
  expect(found).toEqual(['a/b.class 800']);
});
