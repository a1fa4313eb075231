import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../lib/index.ts';
import { headerBytes, messageTypes } from './frames.ts';
import { encodeMessage, type Message, type MessageLimits, MessageReader } from './messages.ts';

/** Frames of 16 bytes plus their header. */
const limits: MessageLimits = {
  frameBytes: headerBytes + 16,
  messageBytes: 200,
  headBytes: 60,
  headDepth: 3,
  headValues: 12,
  unfinished: 3,
  unfinishedBytes: 150,
  unfinishedMs: 1000,
};

const idA = 'a'.repeat(32);
const idB = 'b0'.repeat(16);

function messageOf(changes: Partial<Message> = {}): Message {
  return {
    type: 'run',
    activationId: idA,
    attempt: 1,
    head: { a: 1 },
    tail: Buffer.from('tail'),
    ...changes,
  };
}

/** A message of four frames, with about 60 bytes in head and tail. */
const long = (changes: Partial<Message> = {}) => messageOf({ tail: Buffer.alloc(52, 'x'), ...changes });

const encode = (message: Message) => encodeMessage(message, limits);

function read(frames: readonly Buffer[], reader = new MessageReader(limits)): Message[] {
  return frames.flatMap((frame) => reader.read(frame) ?? []);
}

function cut(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

/** The first frame of a one-frame message, with some bytes changed. */
function changed(at: number, ...bytes: readonly number[]): Buffer {
  const frame = Buffer.concat(encode(messageOf()));
  frame.set(bytes, at);
  return frame;
}

/** The frames of a message with this text as its head. */
function withHead(text: string | Buffer): Buffer[] {
  const head = Buffer.from(text);
  expect(head.length).toBeGreaterThanOrEqual(8);
  const frames = encode(messageOf({ head: { a: 'x'.repeat(head.length - '{"a":""}'.length) } }));
  const body = cut(head, 16);
  for (const [n, frame] of frames.entries()) frame.set(body[n] ?? [], headerBytes);
  return frames;
}

const invalid = { code: 'MESSAGE_INVALID', kind: 'unreachable' };

function refusal(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was refused');
}

const anyMessage = fc.record({
  type: fc.constantFrom(...messageTypes),
  activationId: fc.stringMatching(/^[0-9a-f]{32}$/),
  attempt: fc.integer({ min: 0, max: 0xffffffff }),
  head: fc.dictionary(fc.constantFrom('a', 'ä', '__proto__'), fc.constantFrom(1, null, [], '😀'), {
    maxKeys: 2,
  }),
  tail: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
});

describe('messages', () => {
  it('arrive unchanged, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 5 }), (messages) => {
        expect(read(messages.flatMap(encode))).toEqual(messages);
      }),
    );
  });

  it('are the only thing that a lost frame costs', () => {
    const frames = fc.record({ messages: fc.array(anyMessage, { maxLength: 6 }), lost: fc.nat() });
    fc.assert(
      fc.property(frames, ({ messages, lost }) => {
        // Two messages of one activation are told apart by their attempts.
        const all = messages.map((message, attempt) => ({ ...message, attempt }));
        const cutUp = all.flatMap((message) => encode(message).map((frame) => ({ message, frame })));
        const missing = cutUp[lost % Math.max(1, cutUp.length)];
        const found: Message[] = [];
        const reader = new MessageReader({ ...limits, unfinished: 10, unfinishedBytes: 2000 });
        for (const each of cutUp) {
          if (each === missing) continue;
          try {
            found.push(...read([each.frame], reader));
          } catch (error) {
            expect(error).toMatchObject(invalid);
            expect(each.message).toBe(missing?.message);
          }
        }
        expect(found).toEqual(all.filter((message) => message !== missing?.message));
      }),
    );
  });

  it('with a result of a megabyte pass with the default limits, in frames of 512 KiB', () => {
    const message = messageOf({ type: 'res', tail: Buffer.alloc(1024 * 1024, 'r') });
    const frames = encodeMessage(message);
    expect(frames.map(({ length }) => length <= 512 * 1024)).toEqual([true, true, true]);
    const reader = new MessageReader();
    expect(read(frames, reader)).toEqual([message]);
  });

  it('may be interleaved with others, frame by frame', () => {
    const [a, b] = [long(), long({ activationId: idB })];
    const again = long({ attempt: 2 });
    const mixed = [encode(a), encode(b), encode(again)];
    const frames = [0, 1, 2, 3].flatMap((n) => mixed.map((all) => all[n] ?? Buffer.alloc(0)));
    expect(read(frames)).toEqual([a, b, again]);
  });

  it('fail only with a fault, whatever the input', () => {
    const noise = fc.array(fc.uint8Array({ maxLength: 60 }));
    const flips = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(
        fc.array(anyMessage, { minLength: 1, maxLength: 3 }),
        flips,
        noise,
        (messages, places, chunks) => {
          const frames = messages.flatMap(encode);
          for (const [at, value] of places) {
            const frame = frames[at % frames.length];
            if (frame !== undefined) frame[at % frame.length] = value;
          }
          const reader = new MessageReader(limits);
          for (const frame of [...frames, ...chunks.map((chunk) => Buffer.from(chunk))]) {
            try {
              read([frame], reader);
            } catch (error) {
              expect(error).toMatchObject({ code: expect.stringMatching(/^MESSAGE_/) });
            }
          }
        },
      ),
    );
  });
});

describe('a frame is refused', () => {
  it.each([
    ['of no type', changed(1, 0), 'its type is 0'],
    ['of an unknown type', changed(1, messageTypes.length + 1), `its type is ${messageTypes.length + 1}`],
    ['with unknown flags', changed(2, 0, 3), 'its flags are 3'],
    ['that is not full and not the last', changed(3, 0), 'a frame that is not the last is not full'],
    ['without any bytes', changed(0, 1).subarray(0, headerBytes), 'a frame has 32 bytes'],
    ['without a whole header', changed(0, 1).subarray(0, 20), 'a frame has 20 bytes'],
    ['of no bytes', Buffer.alloc(0), 'has version 0'],
    ['that is too long', Buffer.concat([changed(0, 1), Buffer.alloc(20)]), 'a frame has 63 bytes'],
    ['whose head is too short to be one', changed(28, 0, 0, 0, 1), 'its head announces 1 bytes'],
    ['whose head is longer than the message', changed(28, 0, 0, 0, 60), 'its head announces 60 bytes'],
    ['that comes before its first', changed(24, 0, 0, 0, 1), 'frame 1 comes where 0 is due'],
  ])('%s', (_, frame, why) => {
    expect(refusal(() => read([frame]))).toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining(why),
    });
  });

  it.each([
    ['of a message over the limit', changed(24, 0, 0, 0, 13)],
    ['of a message whose frame number is the largest', changed(24, 255, 255, 255, 255)],
    ['whose head is over the limit', changed(28, 0, 0, 0, 61)],
  ])('%s', (_, frame) => {
    expect(refusal(() => read([frame]))).toMatchObject({ code: 'MESSAGE_TOO_LARGE', kind: 'too-large' });
  });

  it('of another version, by its first byte', () => {
    expect(refusal(() => read([Buffer.from([2])]))).toMatchObject({
      code: 'MESSAGE_VERSION_UNKNOWN',
      message: 'a message between nodes has version 2; this Ward knows 1 to 1',
    });
  });

  it('that is missing or repeated', () => {
    const [first, second, third] = encode(long());
    if (!first || !second || !third) throw new Error('too short');
    for (const frames of [[third], [first, third], [first, second, second]])
      expect(refusal(() => read(frames))).toMatchObject(invalid);
  });

  it('but its message may be sent again from its first frame on', () => {
    const [first, second] = encode(long());
    if (!first || !second) throw new Error('too short');
    const reader = new MessageReader(limits);
    read([first, second], reader);
    expect(read(encode(long()), reader)).toEqual([long()]);
    expect(reader.unfinished).toBe(0);
    expect(reader.unfinishedBytes).toBe(0);
  });

  it('with a head length other than that of the first frame', () => {
    const [first, second] = encode(long());
    second?.writeUInt32BE(3, 28);
    expect(refusal(() => read([first, second].map((frame) => Buffer.from(frame ?? []))))).toMatchObject(
      invalid,
    );
  });
});

describe('a head is refused', () => {
  it.each([
    ['that is not JSON', '  {"a":1', 'its head is not an object in JSON'],
    ['that is not an object', '   ["a"]', 'its head is not an object in JSON'],
    ['that is null', '    null', 'its head is not an object in JSON'],
    ['that is not UTF-8', Buffer.from('{"a":"\xff\xfe"}', 'latin1'), 'its head is not UTF-8'],
    ['that nests too deep', '{"a":[[[]]]}', 'its head nests deeper than 3'],
    ['that nests too deep and does not end', '[[[[[[[[[[[', 'its head nests deeper than 3'],
    ['with too many values', '{"a":[1,2,3,4,5,6,7,8,9,0,1]}', 'its head has more than 12 values'],
  ])('%s', (_, text, why) => {
    expect(refusal(() => read(withHead(text)))).toMatchObject({
      ...invalid,
      message: expect.stringContaining(why),
    });
  });

  it('but not a valid one of the same length', () => {
    expect(read(withHead('{"a":[[1]]}'))).toMatchObject([{ head: { a: [[1]] } }]);
  });
});

describe('unfinished messages', () => {
  const first = (changes: Partial<Message>) => encode(long(changes))[0] ?? Buffer.alloc(0);

  it('are bounded in number', () => {
    const frames = [1, 2, 3, 4].map((attempt) => first({ attempt }));
    const reader = new MessageReader(limits);
    read(frames.slice(0, 3), reader);
    expect(reader.unfinished).toBe(3);
    expect(refusal(() => read(frames.slice(3), reader))).toMatchObject(invalid);
    expect(reader.unfinished).toBe(0);
  });

  it('are bounded in bytes, and finished ones free theirs', () => {
    const large = (attempt: number) => encode(long({ attempt, tail: Buffer.alloc(75) }));
    const reader = new MessageReader(limits);
    for (let n = 0; n < 5; n++) expect(read(large(n), reader)).toHaveLength(1);
    read(large(1).slice(0, 5), reader);
    read(large(2).slice(0, 4), reader);
    expect(refusal(() => read(large(2).slice(4, 5), reader))).toMatchObject(invalid);
  });

  it('are dropped when they stall, and their later frames are refused', () => {
    let now = 0;
    const reader = new MessageReader(limits, () => now);
    const [a1, a2, ...rest] = encode(long());
    if (!a1 || !a2) throw new Error('too short');
    read([a1, first({ attempt: 2 })], reader);
    now = 900;
    read([a2], reader);
    now = 1000;
    expect([reader.dropStale(), reader.unfinished]).toEqual([1, 1]);
    expect(read(rest, reader)).toEqual([long()]);
    read([a1], reader);
    now = 2000;
    expect([reader.dropStale(), reader.unfinished]).toEqual([1, 0]);
    expect(refusal(() => read([a2], reader))).toMatchObject(invalid);
  });
});

describe('a reader', () => {
  it('takes memory for bytes received, not for bytes announced', () => {
    const announced = encodeMessage(messageOf({ tail: Buffer.alloc(60 * 1024 * 1024) }))[0];
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 20 }, () => new MessageReader());
    for (const reader of readers) expect(reader.read(announced ?? Buffer.alloc(0))).toBeUndefined();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(25 * 1024 * 1024);
    expect(readers).toHaveLength(20);
  });
});

describe('a message is not sent', () => {
  const deep: JsonObject = { a: [[[]]] };

  it.each([
    ['that is too large', messageOf({ tail: Buffer.alloc(200) }), 'MESSAGE_TOO_LARGE'],
    ['with too large a head', messageOf({ head: { a: 'x'.repeat(60) } }), 'MESSAGE_TOO_LARGE'],
    ['with a head that would be refused', messageOf({ head: deep }), 'MESSAGE_INVALID'],
    ['with a malformed id', messageOf({ activationId: 'A'.repeat(32) }), 'MESSAGE_INVALID'],
    ['with an attempt of more than 32 bits', messageOf({ attempt: 2 ** 32 }), 'MESSAGE_INVALID'],
  ])('%s', (_, message, code) => {
    expect(refusal(() => encode(message))).toMatchObject({ code });
  });
});
