import { randomBytes } from 'node:crypto';
import { duplexPair } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type Frame, openFrames, readFrames } from './frames.ts';

const limits = { maxMessageBytes: 1000, maxBytes: 300_000 };

const head = (message: number, bytes: number) => {
  const words = Buffer.alloc(8);
  words.writeUInt32LE(message, 0);
  words.writeUInt32LE(bytes, 4);
  return words;
};

/** Both ends of a stream. Collects what arrives at the second. */
function talk() {
  const [here, there] = duplexPair();
  const heard: Frame[] = [];
  const ending = Promise.withResolvers<string>();
  const { send } = openFrames(
    here,
    limits,
    () => undefined,
    () => undefined,
  );
  openFrames(there, limits, (frame) => heard.push(frame), ending.resolve);
  return { raw: here, send, heard, broken: ending.promise };
}

it('messages arrive complete and in order, with their bytes', async () => {
  const { send, heard } = talk();
  const bytes = randomBytes(300_000);
  await send({ say: 'first', text: 'ä'.repeat(400) });
  await send({ say: 'second' }, bytes);
  await send([]);
  expect(heard.map(({ message }) => message)).toEqual([
    { say: 'first', text: 'ä'.repeat(400) },
    { say: 'second' },
    [],
  ]);
  expect(heard[1]?.bytes.equals(bytes)).toBe(true);
});

it('messages that are cut anywhere arrive unchanged', async () => {
  const whole: Buffer[] = [];
  const [here, there] = duplexPair();
  there.on('data', (piece: Buffer) => whole.push(piece));
  const { send } = openFrames(
    here,
    limits,
    () => undefined,
    () => undefined,
  );
  for (const at of [1, 2]) await send({ at }, Buffer.from(`${at}`.repeat(10)));
  const all = Buffer.concat(whole);
  for (let cut = 1; cut < all.length; cut++) {
    const { raw, heard } = talk();
    for (const piece of [all.subarray(0, cut), all.subarray(cut)])
      await new Promise((resolve) => raw.write(piece, resolve));
    expect(heard.map(({ message, bytes }) => [message, `${bytes}`])).toEqual([
      [{ at: 1 }, '1111111111'],
      [{ at: 2 }, '2222222222'],
    ]);
  }
});

it('messages use the given memory, whatever happens to the pieces', async () => {
  const room = Buffer.alloc(100);
  const heard: Frame[] = [];
  const read = readFrames(
    limits,
    (frame) => heard.push(frame),
    () => undefined,
    (length) => room.subarray(0, length),
  );
  const piece = Buffer.concat([head(2, 3), Buffer.from('[]abc')]);
  read(piece);
  piece.fill(0);
  expect(heard).toMatchObject([{ message: [], bytes: Buffer.from('abc') }]);
  expect(room.toString('utf8', 0, 5)).toBe('[]abc');
});

describe('an invalid frame', () => {
  it.each([
    ['a message longer than it may be', head(1001, 0), 'too long'],
    ['bytes more than there may be', head(2, 300_001), 'too long'],
    ['no JSON', Buffer.concat([head(3, 0), Buffer.from('{a}')]), 'not JSON'],
    ['nothing', head(0, 0), 'not JSON'],
  ])('%s ends the stream at once', async (_what, bytes, why) => {
    const { raw, heard, broken } = talk();
    raw.write(bytes);
    expect(await broken).toContain(why);
    raw.write(Buffer.concat([head(2, 0), Buffer.from('{}')]));
    await new Promise(setImmediate);
    expect(heard).toEqual([]);
  });
});
