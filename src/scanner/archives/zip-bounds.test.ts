import { expect, test } from 'vitest';
import { zipOf } from '../scans.fixture.ts';
import { findZip } from './zip-bounds.ts';
import { zipEntries } from './zip-entries.ts';

const script = Buffer.from('#!/bin/sh\nexec java -jar "$0" "$@"\n');
const zip = await zipOf({ 'a.txt': 'hello', 'b/c.txt': 'x'.repeat(1000) });
/** Position in the end record of the directory's offset. */
const offsetAt = zip.length - 6;

async function names(file: Buffer): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, sizeBytes, read } of zipEntries(file)) {
    expect(await read(2000)).toHaveLength(sizeBytes);
    found.push(name);
  }
  return found;
}

/** Counts all offsets from the start of the file, as `zip -A` leaves them. */
function adjusted(): Buffer {
  const file = Buffer.concat([script, zip]);
  const add = (at: number) => file.writeUInt32LE(file.readUInt32LE(at) + script.length, at);
  add(script.length + offsetAt);
  for (let at = file.indexOf('PK\x01\x02'); at >= 0; at = file.indexOf('PK\x01\x02', at + 1)) add(at + 42);
  return file;
}

test.each([
  ['as it is', zip],
  ['behind a script', Buffer.concat([script, zip])],
  ['behind a script that its offsets know of', adjusted()],
  ['with something behind it', Buffer.concat([zip, Buffer.from('signature')])],
  ['between two things', Buffer.concat([script, zip, Buffer.alloc(30_000, 'PK\x05\x06 ')])],
])('a zip %s has all its entries', async (_what, file) => {
  expect(await names(file)).toEqual(['a.txt', 'b/c.txt']);
});

test.each([
  ['a text', Buffer.from('s = "PK\x05\x06"'.padEnd(100))],
  ['nothing', Buffer.alloc(0)],
  ['a mark alone', Buffer.from('PK\x05\x06'.padEnd(22, '\x11'), 'latin1')],
])('%s is not a zip', (_what, file) => {
  expect(findZip(file)).toBeUndefined();
});

test('a zip with two directories is refused', async () => {
  // One directory is where the end record says, the other is right before it.
  const two = Buffer.concat([zip.subarray(0, -22), zip.subarray(zip.indexOf('PK\x01\x02'))]);
  await expect(names(two)).rejects.toThrow('two different zips');
});

test('entries outside the directory are reported', async () => {
  const other = await zipOf({ 'hidden.py': 'print()' });
  await expect(names(Buffer.concat([other, zip]))).rejects.toThrow('does not list');
  const hidden = other.subarray(0, other.indexOf('PK\x01\x02'));
  const start = zip.indexOf('PK\x01\x02');
  const between = Buffer.concat([zip.subarray(0, start), hidden, zip.subarray(start)]);
  between.writeUInt32LE(start + hidden.length, offsetAt + hidden.length);
  await expect(names(between)).rejects.toThrow('does not list');
});

test('an entry with another name in its own header is not read', async () => {
  const file = Buffer.from(zip);
  file.write('z.txt', file.indexOf('a.txt'));
  await expect(names(file)).rejects.toThrow('a.txt is not where the directory says');
});

test('a name that leads out, or has a NUL, does not hide the others', async () => {
  const file = Buffer.from(zip);
  for (let at = file.indexOf('b/c.txt'); at >= 0; at = file.indexOf('b/c.txt')) file.write('../\0.py', at);
  expect(await names(file)).toEqual(['a.txt', '../\0.py']);
});
