import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { ZipFile } from 'yazl';
import { toExec } from './action-source.ts';
import { type Home, makeHome } from './cli.fixture.ts';

const nothing = { file: undefined, kind: undefined, main: undefined, docker: undefined, native: false };

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
  ['a.rb', 'ruby:default'],
  ['a.php', 'php:default'],
  ['a.sh', 'native:default'],
])('%s is %s', async (name, kind) => {
  await using home = await makeHome();
  expect(await execOf(home, name, 'cödé')).toEqual({ kind, code: 'cödé' });
});

test.each([
  [['__main__.py', 'index.js'], 'python:default'],
  [['lib/x.js', 'package.json'], 'nodejs:default'],
  [['index.js'], 'nodejs:default'],
  [['main.rb'], 'ruby:default'],
  [['exec'], 'native:default'],
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

test('a program is native, in base64, whatever it is called', async () => {
  await using home = await makeHome();
  const program = Buffer.from('\u007fELF\u0002\u0001\u0001', 'latin1');
  const code = program.toString('base64');
  expect(await execOf(home, 'greet', program)).toEqual({ kind: 'native:default', code });
  expect(await execOf(home, 'greet', program, { kind: 'go:default' })).toEqual({ kind: 'go:default', code });
  expect(await execOf(home, 'x.zip', await zipOf('run'), { native: true })).toMatchObject({
    kind: 'native:default',
  });
});

test('a jar needs its class', async () => {
  await using home = await makeHome();
  const jar = await zipOf('Hello.class');
  await expect(execOf(home, 'a.jar', jar)).rejects.toMatchObject({ code: 'USAGE' });
  expect(await execOf(home, 'a.jar', jar, { main: 'Hello' })).toEqual({
    kind: 'java:default',
    code: jar.toString('base64'),
    main: 'Hello',
  });
});

test('bytes that are no text go in base64', async () => {
  await using home = await makeHome();
  const bytes = Buffer.from([0xff, 0xfe, 0x00]);
  expect(await execOf(home, 'a.bin', bytes, { kind: 'go:default' })).toMatchObject({ code: '//4A' });
});

test.each([
  ['a.java', 'javac'],
  ['a.go', 'go build'],
  ['a.rs', '--native'],
])('%s has to be compiled first, and the hint says how', async (name, hint) => {
  await using home = await makeHome();
  await expect(execOf(home, name, 'x')).rejects.toMatchObject({
    code: 'SOURCE_KIND_UNKNOWN',
    hint: expect.stringContaining(hint),
  });
});

test('an action is of one kind only', async () => {
  await expect(toExec({ ...nothing, docker: 'i', kind: 'nodejs:24' })).rejects.toMatchObject({
    code: 'USAGE',
  });
  await expect(toExec({ ...nothing, docker: 'i', native: true })).rejects.toMatchObject({ code: 'USAGE' });
});

test('--docker needs no file', async () => {
  expect(await toExec({ ...nothing, docker: 'me/image' })).toEqual({ kind: 'blackbox', image: 'me/image' });
  expect(await toExec(nothing)).toBeUndefined();
});

test.each([
  ['an unknown name', 'a.txt', 'x', 'SOURCE_KIND_UNKNOWN'],
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
