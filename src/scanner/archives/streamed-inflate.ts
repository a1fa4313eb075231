/**
 * Inflates an entry of a streamed zip. The length may come after the content, so it reads until the data ends by itself.
 */
import { createInflateRaw, type InflateRaw, inflateRawSync } from 'node:zlib';
import { openReleasing } from '../../images/index.ts';
import type { ByteSource } from './byte-source.ts';
import { withInfo } from './decompress.ts';

const pieceBytes = 256 * 1024;
/** Most entries are Java classes. For each, a stream would cost more than the content. */
const smallBytes = 1024 * 1024;
const smallChunk = 128 * 1024;

/** Inflates and takes a small entry that is already in memory; undefined for others. */
export async function inflateSmall(source: ByteSource): Promise<Buffer | undefined> {
  const held = await source.peek(1);
  try {
    const { buffer, engine } = withInfo(
      inflateRawSync(held, { maxOutputLength: smallBytes, chunkSize: smallChunk, info: true }),
    );
    // An entry that ends exactly at the end of the held bytes may continue after them.
    if (engine.bytesWritten === held.length) return undefined;
    await source.take(engine.bytesWritten);
    return buffer;
  } catch {
    return undefined;
  }
}

/** Takes exactly the bytes of the entry from the source. Each piece stays valid until two more were requested. */
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
  // Writes one piece at a time, so that it takes none after the end.
  const feeding = (async () => {
    while (!hasEnded) {
      const piece = await source.some();
      if (piece === undefined) return void inflater.end();
      total += piece.length;
      last = piece;
      await written(inflater, piece);
      // The inflater accepts no bytes after its end.
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

/** Resolves when the inflater has accepted the piece, or has ended. */
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
