/** Lines of text, whatever their chunks. */
import { damaged, maxRecordBytes } from './input.ts';

interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** Whether a line end follows: without one, a file may be cut off here. */
  readonly isEnded: boolean;
}

/** Lines that are not empty. @throws Fault ADVISORY_FILE_INVALID */
export async function* linesOf(path: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let number = 0;
  let kept: Buffer[] = [];
  let keptBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      const text = Buffer.concat([...kept, chunk.subarray(start, end)])
        .toString('utf8')
        .trim();
      kept = [];
      keptBytes = 0;
      start = end + 1;
      number++;
      if (text !== '') yield { text, number, isEnded: true };
    }
    kept.push(chunk.subarray(start));
    keptBytes += chunk.length - start;
    if (keptBytes > maxRecordBytes) throw damaged(path, `line ${number + 1} is too long`);
  }
  const text = Buffer.concat(kept).toString('utf8').trim();
  if (text !== '') yield { text, number: number + 1, isEnded: false };
}
