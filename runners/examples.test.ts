import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasPython, nodeText, nodeZip, ok, pythonText } from './test-runner.ts';

const folder = join(import.meta.dirname, '../examples');
const read = (path: string) => readFileSync(join(folder, path), 'utf8');

describe('the examples', () => {
  it.each([
    ['a name', { name: 'World' }, 'Hello, World'],
    ['no name', {}, 'Hello, stranger'],
  ])('hello.js, with %s', async (_title, value, greeting) => {
    await using runner = nodeText(read('hello.js'));
    await runner.init();
    expect(await runner.run(value)).toEqual(ok({ greeting }));
  });

  it.skipIf(!hasPython)('hello.py', async () => {
    await using runner = pythonText(read('hello.py'));
    await runner.init();
    expect(await runner.run({ name: 'World' })).toEqual(ok({ greeting: 'Hello, World' }));
    expect(await runner.run()).toEqual(ok({ greeting: 'Hello, stranger' }));
  });

  it.skipIf(!hasPython)('statistics.py', async () => {
    await using runner = pythonText(read('statistics.py'));
    await runner.init();
    expect(await runner.run({ numbers: [1, 3] })).toEqual(ok({ mean: 2, median: 2, deviation: 1 }));
    expect(await runner.run({ numbers: [] })).toEqual(ok({ error: expect.any(String) }));
  });

  it('inside.mjs', async () => {
    await using runner = nodeText(read('inside.mjs'));
    await runner.init();
    const url = 'http://127.0.0.1:1';
    const inside = {
      [url]: 'out of reach',
      activation: '7',
      user: process.getuid?.(),
      root: expect.arrayContaining(['tmp']),
    };
    expect(await runner.run({ url }, { __OW_ACTIVATION_ID: '7' })).toEqual(
      ok(expect.objectContaining(inside)),
    );
  });

  it('word-count', async () => {
    const paths = readdirSync(join(folder, 'word-count'), { recursive: true, encoding: 'utf8' });
    const files = paths
      .filter((path) => /\.js(?:on)?$/u.test(path))
      .map((path) => [path, read(`word-count/${path}`)]);
    await using runner = nodeZip(Object.fromEntries(files));
    expect(await runner.init()).toEqual({ type: 'init-ok' });
    const words = [
      { word: 'the', count: 2 },
      { word: 'cat', count: 1 },
    ];
    expect(await runner.run({ text: 'The cat, the hat', top: 2 })).toEqual(ok({ words }));
  });
});
