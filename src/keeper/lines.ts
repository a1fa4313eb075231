/** Lines of JSON on a stream. */
import type { Duplex } from 'node:stream';

/** A seccomp profile may take several hundred kilobytes. */
const maxLineBytes = 8 * 1024 * 1024;

/**
 * Passes on each line as a parsed value. A line that is not JSON, or that is too long, ends the stream.
 * @returns A promise that settles when the stream has ended.
 */
export function hearLines(stream: Duplex, onLine: (value: unknown) => void): Promise<void> {
  let pieces: Buffer[] = [];
  let held = 0;
  const take = (line: Buffer): void => {
    try {
      onLine(JSON.parse(line.toString('utf8')));
    } catch {
      stream.destroy();
    }
  };
  stream.on('data', (chunk: Buffer) => {
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0 && !stream.destroyed; end = rest.indexOf(10)) {
      take(Buffer.concat([...pieces, rest.subarray(0, end)]));
      pieces = [];
      held = 0;
      rest = rest.subarray(end + 1);
    }
    pieces.push(rest);
    held += rest.length;
    if (held > maxLineBytes) stream.destroy();
  });
  return new Promise((resolve) => {
    stream.on('error', () => {});
    stream.once('close', resolve);
    stream.once('end', resolve);
  });
}

export function sayLine(stream: Duplex, value: unknown): void {
  if (!stream.destroyed) stream.write(`${JSON.stringify(value)}\n`);
}
