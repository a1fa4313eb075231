import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, type Frame, FrameReader } from './frames.ts';

const limits = { wholeBytes: 64, announcedBytes: 1000, bulkBytes: 32, headBytes: 8 };

function read(chunks: readonly Buffer[]): { frames: Frame[]; violations: string[]; reader: FrameReader } {
  const frames: Frame[] = [];
  const violations: string[] = [];
  const reader = new FrameReader(
    limits,
    (frame) => frames.push(frame),
    (reason) => violations.push(reason),
  );
  for (const chunk of chunks) reader.push(chunk);
  return { frames, violations, reader };
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let rest = bytes;
  for (const size of sizes) {
    chunks.push(rest.subarray(0, size));
    rest = rest.subarray(size);
  }
  return [...chunks, rest];
}

describe('frames', () => {
  it('survive any cut of the stream unchanged', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.array(text), fc.array(fc.integer({ min: 1, max: 9 })), (texts, sizes) => {
        const { frames, violations } = read(cut(Buffer.concat(texts.map(encodeFrame)), sizes));
        expect(violations).toEqual([]);
        expect(frames.map((frame) => (frame.kind === 'whole' ? frame.text : frame.head.toString()))).toEqual(
          texts.map((value) => (Buffer.byteLength(value) > 64 ? expect.any(String) : value)),
        );
      }),
    );
  });

  it('over the limit are skipped, with only their head kept', () => {
    const { frames } = read(
      cut(Buffer.concat([encodeFrame('x'.repeat(900)), encodeFrame('{}')]), [3, 1, 5, 700]),
    );
    expect(frames).toEqual([
      { kind: 'large', lengthBytes: 900, head: Buffer.from('x'.repeat(8)) },
      { kind: 'whole', text: '{}' },
    ]);
  });

  it.each([0, 1001, 0xffffffff])('that announce %d bytes break the protocol at once', (length) => {
    const header = Buffer.alloc(4);
    header.writeUInt32BE(length);
    const { frames, violations, reader } = read([header, encodeFrame('{}')]);
    expect(violations).toHaveLength(1);
    expect(frames).toEqual([]);
    expect(reader.isBetweenFrames).toBe(false);
  });

  it.each([[[]], [[7]], [[4, 20]]])('of the bulk size or more are copied, cut at %j', (sizes) => {
    const text = JSON.stringify({ bulk: 'x'.repeat(40) });
    const chunks = cut(Buffer.concat([encodeFrame(text), encodeFrame('{}')]), sizes);
    const { frames } = read(chunks);
    for (const chunk of chunks) chunk.fill(0);
    const [large, small] = frames;
    if (large?.kind !== 'whole') throw new Error('no whole frame');
    expect(large.text).toBe(text);
    expect(large.bulk?.toString()).toBe(text);
    expect(large.bulk?.buffer.byteLength).toBe(text.length);
    expect(small).toEqual({ kind: 'whole', text: '{}' });
  });

  it('never throw on garbage', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
        read(chunks.map((chunk) => Buffer.from(chunk)));
      }),
    );
  });
});
