import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { ZipFile } from 'yazl';
import { toExec } from './action-source.ts';
import { type Home, makeHome } from './cli.fixture.ts';
import { entryNames } from './zip-entries.ts';

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
  ['a.ts', 'nodejs:default'],
  ['a.mts', 'nodejs:default'],
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
  [['index.ts'], 'nodejs:default'],
  [['go.mod', 'main.go', 'exec'], 'native:default'],
  [['exec'], 'native:default'],
])('a zip of %j is %s, in base64', async (names, kind) => {
  await using home = await makeHome();
  const zip = await zipOf(...names);
  expect(await execOf(home, 'a.zip', zip)).toEqual({ kind, code: zip.toString('base64') });
});

test('--kind and --main override what the file says', async () => {
  await using home = await makeHome();
  expect(await execOf(home, 'a.txt', 'x', { kind: 'nodejs:22', main: 'go' })).toEqual({
    kind: 'nodejs:22',
    code: 'x',
    main: 'go',
  });
});

test('a program is native and in base64, whatever its name', async () => {
  await using home = await makeHome();
  const program = Buffer.from('\u007fELF\u0002\u0001\u0001', 'latin1');
  const code = program.toString('base64');
  expect(await execOf(home, 'greet', program)).toEqual({ kind: 'native:default', code });
  expect(await execOf(home, 'greet', program, { kind: 'go:default' })).toEqual({ kind: 'go:default', code });
  expect(await execOf(home, 'x.zip', await zipOf('run'), { native: true })).toMatchObject({
    kind: 'native:default',
  });
});

describe('a program that the Go linker made', () => {
  /** In the form that `debug/buildinfo` looks for: a section that begins at a multiple of 16. */
  const elf = (at: number) => {
    const program = Buffer.alloc(256);
    program.write('\u007fELF\u0002\u0001\u0001', 'latin1');
    program.write('\u00ff Go buildinf:', at, 'latin1');
    return program;
  };
  const kindOf = async (content: Buffer, more = {}) => {
    await using home = await makeHome();
    return (await execOf(home, 'greet', content, more))?.['kind'];
  };

  test('is of kind go, alone or in a zip', async () => {
    expect(await kindOf(elf(64))).toBe('go:default');
    const zip = new ZipFile();
    zip.addBuffer(elf(128), 'exec');
    zip.end();
    expect(await kindOf(await buffer(zip.outputStream))).toBe('go:default');
  });

  test('has the kind that its author states', async () => {
    expect(await kindOf(elf(64), { native: true })).toBe('native:default');
    expect(await kindOf(elf(64), { kind: 'native:13' })).toBe('native:13');
  });

  test('is distinguished from one that contains the mark as text', async () => {
    expect(await kindOf(elf(65))).toBe('native:default');
  });
});

describe('TypeScript', () => {
  test('is sent as it was written', async () => {
    await using home = await makeHome();
    const code = 'export const main = (p: { name: string }) => p;\n';
    expect(await execOf(home, 'a.ts', code)).toEqual({ kind: 'nodejs:default', code });
  });

  test.each([
    [
      'an enum',
      'const a = 1;\n\nenum Color { Red }\n',
      /a\.ts:3: .*enum is not supported/,
      /constant object/,
    ],
    ['a parameter property', 'class A { constructor(private x: number) {} }', /a\.ts:1: /, /fields/],
    ['a namespace with code', 'namespace X { export const a = 1 }', /namespace/, /modules/],
    ['broken syntax', 'const main = (p: object) => ;', /a\.ts:1: /, /fix/],
  ])('with %s is refused before it is sent', async (_title, code, message, hint) => {
    await using home = await makeHome();
    await expect(execOf(home, 'a.ts', code)).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });
});

test('a jar needs the name of its class', async () => {
  await using home = await makeHome();
  const jar = await zipOf('Hello.class');
  await expect(execOf(home, 'a.jar', jar)).rejects.toMatchObject({ code: 'USAGE' });
  expect(await execOf(home, 'a.jar', jar, { main: 'Hello' })).toEqual({
    kind: 'java:default',
    code: jar.toString('base64'),
    main: 'Hello',
  });
});

test('bytes that are not text are sent in base64', async () => {
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
    message: expect.stringContaining('compiled first'),
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

describe('a folder', () => {
  async function folderOf(home: Home, ...names: readonly string[]): Promise<string> {
    const folder = join(home.path, 'app.js');
    for (const name of names) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), 'x');
    }
    return folder;
  }

  test('is sent as a zip, with the kind of its content, and omitted files are reported', async () => {
    await using home = await makeHome();
    const file = await folderOf(home, '__main__.py', '.env', 'lib/a.py');
    const told: string[] = [];
    const exec = await toExec({
      ...nothing,
      file,
      tell: (leftOut) => told.push(...leftOut.map(({ path }) => path)),
    });
    expect(exec?.['kind']).toBe('python:default');
    const zip = Buffer.from(String(exec?.['code']), 'base64');
    expect([...(await entryNames(zip, ''))]).toEqual(['__main__.py', 'lib/a.py']);
    expect(told).toEqual(['.env']);
  });

  test.each([
    ['Go sources', ['main.go', 'go.mod'], 'go build'],
    ['a Dockerfile', ['Dockerfile', 'server.rb'], 'ward image build'],
    ['a Python file of another name', ['app.py'], '__main__.py'],
    ['a TypeScript file of another name', ['src.ts'], 'index.ts'],
    ['a folder with a project', ['app/package.json'], 'inside it'],
  ])('of %s is refused, and the hint says what to do', async (_title, names, hint) => {
    await using home = await makeHome();
    const file = await folderOf(home, ...names);
    await expect(toExec({ ...nothing, file })).rejects.toMatchObject({
      code: 'SOURCE_KIND_UNKNOWN',
      hint: expect.stringContaining(hint),
    });
  });
});

test('refuses a missing folder', async () => {
  await using home = await makeHome();
  await expect(toExec({ ...nothing, file: join(home.path, 'none.js') })).rejects.toMatchObject({
    code: 'SOURCE_UNREADABLE',
    message: expect.stringContaining('does not exist'),
  });
});
