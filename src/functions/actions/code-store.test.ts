import { describe, expect, test } from 'vitest';
import { ZipFile } from 'yazl';
import { silentLog } from '../../lib/index.ts';
import { startPlatform } from '../platform.fixture.ts';
import { createCodeStore, decode } from './code-store.ts';

async function zip(fill: (file: ZipFile) => void): Promise<Buffer> {
  const file = new ZipFile();
  fill(file);
  file.end();
  return Buffer.concat(await Array.fromAsync(file.outputStream as AsyncIterable<Buffer>));
}

/** An archive whose directory announces 3 GiB. */
async function bomb(): Promise<Buffer> {
  const archive = await zip((file) => file.addBuffer(Buffer.alloc(1024), 'zeros'));
  archive.writeUInt32LE(0xc000_0000, archive.indexOf('PK\u0001\u0002') + 24);
  return archive;
}

describe('code is binary', () => {
  test.each([
    ['RHViZWU=', true],
    ['abcd', true],
    ['ab==', true],
    [' abcd\n', true],
    ['', false],
    ['abc', false],
    ['ab-_', false],
    ['a===', false],
    ['ab=c', false],
    ['=abc', false],
    ['ab cd ef', false],
    ['function main() {}  ', false],
  ])('%j: %s', (code, binary) => {
    expect(decode(code).binary).toBe(binary);
  });
});

describe('storing code', () => {
  const exec = (code: string) => ({ kind: 'nodejs:24', code, main: undefined });

  test('returns text and archives unchanged', async () => {
    await using platform = await startPlatform();
    const code = createCodeStore(platform.blobs, platform.store, silentLog);
    const archive = (await zip((file) => file.addBuffer(Buffer.from('x'), 'index.js'))).toString('base64');
    for (const text of ['function main() { return "ü" }', '', archive]) {
      const document = await code.store(exec(text), async (each) => each);
      expect(document.binary).toBe(text === archive);
      expect(await code.load(document)).toBe(text);
    }
  });

  test.each([
    ['data that is not an archive', async () => Buffer.from('ABCDEFGH')],
    ['a broken archive', async () => Buffer.from('PK\u0003\u0004 and no more')],
    ['a bomb', bomb],
  ])('refuses %s', async (_name, make) => {
    await using platform = await startPlatform();
    const code = createCodeStore(platform.blobs, platform.store, silentLog);
    const archive = exec((await make()).toString('base64'));
    await expect(code.store(archive, async (each) => each)).rejects.toMatchObject({
      code: 'CODE_INVALID',
      kind: 'invalid',
      message: expect.stringMatching(/^The action's zip archive is refused: /),
    });
  });

  test('refuses a path that leads out of the archive', async () => {
    await using platform = await startPlatform();
    const code = createCodeStore(platform.blobs, platform.store, silentLog);
    const archive = await zip((file) => file.addBuffer(Buffer.from('x'), 'aa/evil'));
    const slip = Buffer.from(archive.toString('latin1').replaceAll('aa/evil', '../evil'), 'latin1');
    await expect(code.store(exec(slip.toString('base64')), async (each) => each)).rejects.toMatchObject({
      code: 'CODE_INVALID',
    });
  });
});

describe('removing code', () => {
  test('waits for the activations that need it', async () => {
    await using platform = await startPlatform();
    const code = createCodeStore(platform.blobs, platform.store, silentLog);
    const { digest } = await code.store(
      { kind: 'nodejs:24', code: 'x', main: undefined },
      async (each) => each,
    );
    code.retain(digest);
    code.retain(digest);
    await code.drop(digest);
    code.release(digest);
    expect(await platform.blobs.has(digest)).toBe(true);
    code.release(digest);
    await expect.poll(() => platform.blobs.has(digest)).toBe(false);
  });

  test('never takes code that is being stored', async () => {
    await using platform = await startPlatform();
    const code = createCodeStore(platform.blobs, platform.store, silentLog);
    const exec = { kind: 'nodejs:24', code: 'x', main: undefined };
    const gate = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const storing = code.store(exec, async (document) => {
      entered.resolve();
      await gate.promise;
      await platform.store.entities.put(
        {
          namespace: 'guest',
          path: 'a',
          collection: 'actions',
          revision: 'r1',
          updatedAt: 1,
          codeDigest: document.digest,
          link: null,
          shared: false,
          document: {},
        },
        null,
      );
      return document;
    });
    await entered.promise;
    const { digest } = await createCodeStore(platform.blobs, platform.store, silentLog).store(
      exec,
      async (each) => each,
    );
    const dropping = code.drop(digest);
    gate.resolve();
    await Promise.all([storing, dropping]);
    expect(await platform.blobs.has(digest)).toBe(true);
  });
});
