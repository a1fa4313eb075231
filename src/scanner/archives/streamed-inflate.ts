/** A deflated entry of a zip that comes as a stream: its length may stand behind it, so it is read until it ends by itself. */
import { createInflateRaw, type InflateRaw, inflateRawSync } from 'node:zlib';
import { openReleasing } from '../../images/index.ts';
import type { ByteSource } from './byte-source.ts';
import { withInfo } from './decompress.ts';

const pieceBytes = 256 * 1024;
/** Most entries are classes: a stream for each costs more than they do. */
const smallBytes = 1024 * 1024;
const smallChunk = 128 * 1024;

/** One that is all there already, and little; undefined for others. Takes it from the source. */
export async function inflateSmall(source: ByteSource): Promise<Buffer | undefined> {
  const held = await source.peek(1);
  try {
    const { buffer, engine } = withInfo(
      inflateRawSync(held, { maxOutputLength: smallBytes, chunkSize: smallChunk, info: true }),
    );
    // One that ends with what is there may go on.
    if (engine.bytesWritten === held.length) return undefined;
    await source.take(engine.bytesWritten);
    return buffer;
  } catch {
    return undefined;
  }
}

/** Takes as much from the source as belongs to it. Each piece is valid until the next but one is asked for. */
export async function* inflateUntilEnd(source: ByteSource): AsyncGenerator<Buffer> {
  const inflater = createInflateRaw({ chunkSize: pieceBytes });
  let total = 0;
  let last: Buffer = Buffer.alloc(0);
  let hasEnded = false;
  for (const event of ['end', 'close']) {
    inflater.once(event, () => {
      hasEnded = true;
    });
  }
  // One piece after the other, so that no more is taken once it has ended.
  const feeding = (async () => {
    while (!hasEnded) {
      const piece = await source.some();
      if (piece === undefined) return void inflater.end();
      total += piece.length;
      last = piece;
      await written(inflater, piece);
      // It takes nothing in once it has ended.
      if (inflater.bytesWritten < total) return;
    }
  })().catch((error: unknown) => void inflater.destroy(error instanceof Error ? error : undefined));
  const release = openReleasing();
  try {
    for await (const piece of inflater) {
      yield piece;
      release(piece);
    }
    await feeding;
    const rest = total - inflater.bytesWritten;
    if (rest > 0) source.putBack(last.subarray(-rest));
  } finally {
    inflater.destroy();
  }
}

/** Until it was taken in, or never will be. */
function written(inflater: InflateRaw, piece: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      inflater.off('end', done).off('close', done);
      resolve();
    };
    inflater.once('end', done).once('close', done);
    inflater.write(piece, done);
  });
}
