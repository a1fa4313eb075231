import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { ZipFile } from 'yazl';
import { codeChanges, diffLines } from './code-diff.ts';
import { codeFiles } from './code-files.ts';

type Files = Readonly<Record<string, string | Buffer>>;

async function zip(files: Files, compress = true): Promise<Buffer> {
  const archive = new ZipFile();
  for (const [path, content] of Object.entries(files))
    archive.addBuffer(Buffer.from(content), path, { compress, mtime: new Date(0) });
  archive.end();
  return buffer(archive.outputStream);
}

const filesOf = (bytes: Buffer) => codeFiles('a', bytes.toString('base64'), true);
const textOf = (code: string) => codeFiles('a', code, false);

test('text is compared by its lines', async () => {
  expect(codeChanges(await textOf('one\ntwo\n'), await textOf('one\n2\n'))).toEqual([
    {
      ...{ path: 'a', change: 'changed' },
      diff: '--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n',
    },
  ]);
  expect(codeChanges(await textOf('same'), await textOf('same'))).toEqual([]);
  expect(codeChanges(await textOf('gone'), await textOf(''))).toEqual([{ path: 'a', change: 'removed' }]);
});

test('archives are compared by their files, however they are packed', async () => {
  const bytes = Buffer.from([0, 1, 2]);
  const large = 'x'.repeat(300_000);
  const [earlier, now] = await Promise.all([
    zip({ 'gone.js': '', 'same.js': 'same'.repeat(99), 'index.js': 'old', 'data.bin': bytes, large }),
    zip(
      { 'same.js': 'same'.repeat(99), 'index.js': 'new', 'data.bin': '\0', large: `${large}y`, new: '' },
      false,
    ),
  ]);
  const changes = codeChanges(await filesOf(earlier), await filesOf(now));
  expect(diffLines(changes)).toEqual([
    'changed: data.bin',
    'removed: gone.js',
    'changed: large',
    'added: new',
    ...['--- a/index.js', '+++ b/index.js', '@@ -1,1 +1,1 @@', '-old'],
    ...['\\ No newline at end of file', '+new', '\\ No newline at end of file'],
  ]);
  expect(codeChanges(await filesOf(earlier), await filesOf(earlier))).toEqual([]);
});

test('names are shown on one line, without control characters', async () => {
  const path = 'x\u001b[2J\nchanged: y';
  const [earlier, now] = [await zip({ [path]: '1' }), await zip({ [path]: '2' })];
  const lines = diffLines(codeChanges(await filesOf(earlier), await filesOf(now)));
  expect(lines[0]).toBe('--- a/x\\x1b[2J\\nchanged: y');
});

test('files are listed without their lines when these differ in too much, or no time is left', async () => {
  const noise = (mark: string) => `${mark}\n`.repeat(4000);
  const without = [{ path: 'a', change: 'changed' }];
  expect(codeChanges(await textOf(noise('a')), await textOf(noise('b')))).toEqual(without);
  expect(codeChanges(await textOf('one'), await textOf('two'), 0)).toEqual(without);
});

test.each([
  ['whose entries share bytes', 'bcd', 'share bytes'],
  ['with two files of one name', 'a', 'two files of one name'],
])('an archive %s is refused', async (_, names, why) => {
  const one = await zip({ a: 'x'.repeat(5000) }, false);
  await expect(filesOf(withEntriesAgain(one, names))).rejects.toMatchObject({
    code: 'SOURCE_UNREADABLE',
    message: expect.stringContaining(why),
  });
});

/** The archive of one file with further entries in its directory: each leads to the same bytes. */
function withEntriesAgain(one: Buffer, names: string): Buffer {
  const [start, end] = [one.indexOf('PK\u0001\u0002'), one.indexOf('PK\u0005\u0006')];
  const entry = one.subarray(start, end);
  const more = [...names].map((name) => {
    const copy = Buffer.from(entry);
    copy.write(name, 46);
    return copy;
  });
  const tail = Buffer.from(one.subarray(end));
  for (const at of [8, 10]) tail.writeUInt16LE(1 + more.length, at);
  tail.writeUInt32LE(entry.length * (1 + more.length), 12);
  return Buffer.concat([one.subarray(0, end), ...more, tail]);
}
