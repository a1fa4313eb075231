import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { ZipFile } from 'yazl';
import { toExec } from './action-source.ts';
import { type Home, makeHome } from './cli.fixture.ts';

const nothing = { file: undefined, kind: undefined, main: undefined, docker: undefined };

async function execOf(home: Home, name: string, content: string | Buffer, more = {}) {
  const file = join(home.path, name);
  await writeFile(file, content);
  return toExec({ ...nothing, file, ...more });
}

async function zipOf(...names: string[]): Promise<Buffer> {
  const zip = new ZipFile();
  for (const name of names) zip.addBuffer(Buffer.from('x'), name);
  zip.end();
  return buffer(zip.outputStream);
}

test.each([
  ['a.js', 'nodejs:default'],
  ['a.MJS', 'nodejs:default'],
  ['a.cjs', 'nodejs:default'],
  ['a.py', 'python:default'],
])('%s is %s', async (name, kind) => {
  await using home = await makeHome();
  expect(await execOf(home, name, 'cödé')).toEqual({ kind, code: 'cödé' });
});

test.each([
  [['__main__.py', 'index.js'], 'python:default'],
  [['lib/x.js', 'package.json'], 'nodejs:default'],
  [['index.js'], 'nodejs:default'],
])('a zip of %j is %s, in base64', async (names, kind) => {
  await using home = await makeHome();
  const zip = await zipOf(...names);
  expect(await execOf(home, 'a.zip', zip)).toEqual({ kind, code: zip.toString('base64') });
});

test('--kind and --main count before what the file says', async () => {
  await using home = await makeHome();
  expect(await execOf(home, 'a.txt', 'x', { kind: 'nodejs:22', main: 'go' })).toEqual({
    kind: 'nodejs:22',
    code: 'x',
    main: 'go',
  });
});

test('--docker needs no file', async () => {
  expect(await toExec({ ...nothing, docker: 'me/image' })).toEqual({ kind: 'blackbox', image: 'me/image' });
  expect(await toExec(nothing)).toBeUndefined();
});

test.each([
  ['an unknown name', 'a.rs', 'x', 'SOURCE_KIND_UNKNOWN'],
  ['a zip of something else', 'a.zip', await zipOf('hello/index.js'), 'SOURCE_KIND_UNKNOWN'],
  ['half a zip', 'a.zip', (await zipOf('index.js')).subarray(0, 40), 'SOURCE_UNREADABLE'],
])('refuses %s', async (_, name, content, code) => {
  await using home = await makeHome();
  await expect(execOf(home, name, content)).rejects.toMatchObject({ code, kind: 'invalid' });
});

test('refuses a folder, and tells how to zip it; and what is not there', async () => {
  await using home = await makeHome();
  await expect(toExec({ ...nothing, file: home.path })).rejects.toMatchObject({
    code: 'SOURCE_UNREADABLE',
    hint: expect.stringContaining('zip -r'),
  });
  await expect(toExec({ ...nothing, file: join(home.path, 'none.js') })).rejects.toMatchObject({
    code: 'SOURCE_UNREADABLE',
    message: expect.stringContaining('does not exist'),
  });
});
