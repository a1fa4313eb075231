/** Converts a long log to its stored form a slice at a time: ten mebibytes at once would delay every other call. */
import { setImmediate } from 'node:timers/promises';
import { type LongLog, packLines } from '../../dispatch/index.ts';
import { type LongText, pieceOf } from '../../store/index.ts';

/** Smaller parts of a log are joined. */
const pieceBytes = 16 * 1024;
/** Bytes that are joined before other work gets a turn. */
const sliceBytes = 256 * 1024;

/** The lines as a JSON array. Takes over the log's memory. */
export async function keptLog({ parts }: LongLog): Promise<LongText> {
  const pieces = [Buffer.alloc(1, '[')];
  let small: Buffer[] = [];
  let smallBytes = 0;
  const putTogether = () => {
    if (small.length > 0) pieces.push(pieceOf(small));
    small = [];
    smallBytes = 0;
  };
  for (const part of parts) {
    if (part.length === 0) continue;
    const packed = Buffer.isBuffer(part) ? part : packLines(part);
    if (packed.length >= pieceBytes && packed.length === packed.buffer.byteLength) {
      putTogether();
      pieces.push(packed);
      continue;
    }
    small.push(packed);
    smallBytes += packed.length;
    if (smallBytes < sliceBytes) continue;
    putTogether();
    await setImmediate();
  }
  putTogether();
  if (pieces.length === 1) return { pieces: [pieceOf([Buffer.from('[]')])] };
  const last = pieces.at(-1);
  // Replaces the last comma.
  last?.write(']', last.length - 1);
  return { pieces };
}
