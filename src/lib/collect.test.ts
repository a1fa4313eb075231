import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { collectUpTo } from './collect.ts';

const tooLarge = (bytes: number) => new Error(`${bytes} bytes`);

it('returns all bytes, with texts as UTF-8', async () => {
  const source = Readable.from([Buffer.from('ab'), 'é']);
  expect((await collectUpTo(source, 4, tooLarge)).toString()).toBe('abé');
});

it('stops at the first piece past the limit', async () => {
  let given = 0;
  const endless = function* () {
    for (;;) yield Buffer.alloc(10, given++);
  };
  await expect(collectUpTo(Readable.from(endless(), { highWaterMark: 1 }), 25, tooLarge)).rejects.toThrow(
    '30 bytes',
  );
  expect(given).toBeLessThan(10);
});
