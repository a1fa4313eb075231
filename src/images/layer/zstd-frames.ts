/**
 * Cuts zstd at the ends of its frames. Node's decompressor continues with another frame only when the frame starts a
 * new write. Layers of podman and buildah (`zstd:chunked`) have many frames, some of them skippable. Source: RFC 8878,
 * 3.1.
 */
import { imageFault } from '../faults.ts';
import { openBuffering } from './buffering.ts';

const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
const rleBlock = 1;
const checksumBytes = 4;

/**
 * Yields the same bytes in pieces that never span two frames, without skippable frames.
 * @throws Fault ARCHIVE_INVALID
 */
export async function* zstdFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const input = openBuffering();
  const pieces = source[Symbol.asyncIterator]();
  const fill = async (): Promise<boolean> => {
    const { value, done } = await pieces.next();
    if (done !== true) input.push(value);
    return done !== true;
  };
  const take = async (length: number): Promise<Buffer> => {
    for (;;) {
      const bytes = input.take(length);
      if (bytes !== undefined) return bytes;
      if (!(await fill())) throw damaged('its last zstd frame is cut short');
    }
  };
  const some = async (length: number): Promise<Buffer> => take(Math.min(length, Math.max(1, input.held())));

  try {
    while (input.held() > 0 || (await fill())) {
      const magic = await take(4);
      if ((magic.readUInt32LE() & ~0xf) >>> 0 === skippableMagic) {
        let left = (await take(4)).readUInt32LE();
        while (left > 0) left -= (await some(left)).length;
      } else if (magic.readUInt32LE() === frameMagic) {
        yield* joined(frame(magic, take, some));
      } else {
        throw damaged('data follows a zstd frame and is not another frame');
      }
    }
  } finally {
    await pieces.return?.();
  }
}

type Take = (length: number) => Promise<Buffer>;

async function* frame(magic: Buffer, take: Take, some: Take): AsyncGenerator<Buffer> {
  yield magic;
  const descriptor = await take(1);
  yield descriptor;
  const flags = descriptor[0] ?? 0;
  const headerBytes = restOfHeader(flags);
  if (headerBytes > 0) yield await take(headerBytes);
  for (let last = false; !last; ) {
    const header = await take(3);
    yield header;
    const value = header.readUIntLE(0, 3);
    last = (value & 1) === 1;
    let left = ((value >> 1) & 3) === rleBlock ? 1 : value >> 3;
    while (left > 0) {
      const bytes = await some(left);
      left -= bytes.length;
      yield bytes;
    }
  }
  if ((flags & 0b100) !== 0) yield await take(checksumBytes);
}

/** The length of the window, dictionary and content size fields, in bytes. */
function restOfHeader(flags: number): number {
  const singleSegment = (flags & 0b100000) !== 0;
  const contentSize = [singleSegment ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  const dictionary = [0, 1, 2, 4][flags & 3] ?? 0;
  return (singleSegment ? 0 : 1) + dictionary + contentSize;
}

/** Joins pieces that are adjacent in memory: each piece costs a task of the decompressor's thread. */
async function* joined(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let run: Buffer | undefined;
  for await (const piece of pieces) {
    if (run?.buffer === piece.buffer && run.byteOffset + run.length === piece.byteOffset) {
      run = Buffer.from(run.buffer, run.byteOffset, run.length + piece.length);
    } else {
      if (run !== undefined) yield run;
      run = piece;
    }
  }
  if (run !== undefined) yield run;
}

function damaged(what: string): Error {
  return imageFault('ARCHIVE_INVALID', `the layer is damaged: ${what}`);
}
