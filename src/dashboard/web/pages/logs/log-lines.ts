/** Lines of logs, also of those that still grow. */

export interface LogLine {
  /** As it is in the record; '' for a line without one. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

export interface LiveLines {
  /** The last ones, in their order. The array of an earlier call never changes. */
  readonly lines: readonly LogLine[];
  /** Lines before them that are not kept. */
  readonly dropped: number;
}

export interface LiveLog {
  /**
   * Leaves out what was added before: a new connection begins with the first line again.
   * @param number of the line in the whole log
   */
  add(line: unknown, number?: number): void;
  /** Tells at once what has not been told. */
  flush(): void;
  /** Nothing is told from now on. */
  end(): void;
}

export const noLines: LiveLines = { lines: [], dropped: 0 };

const pattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z) +(stdout|stderr): ?([\s\S]*)$/;
const mostLines = 10_000;
/** Characters of the kept lines. */
const mostLength = 16 * 1024 * 1024;

/** @param line as it is in a record */
export function parseLine(line: unknown): LogLine {
  const whole = typeof line === 'string' ? line : JSON.stringify(line);
  const [, time = '', stream, text = whole] = pattern.exec(whole) ?? [];
  return { time, stream: stream === 'stderr' ? 'stderr' : 'stdout', text };
}

/**
 * Lines can come faster than a page is drawn, so they are told together, once a frame. They can have no end, so only the last
 * ones are kept.
 * @param tell gets what is kept
 * @param atFrame calls back before the next drawing, and returns what takes that back
 */
export function createLiveLog(
  tell: (kept: LiveLines) => void,
  atFrame: (callback: () => void) => () => void = atNextFrame,
): LiveLog {
  // Those from `first` on are kept: to move all for each line that goes would take too long.
  let lines: LogLine[] = [];
  let first = 0;
  let length = 0;
  let dropped = 0;
  let lastNumber = 0;
  let firstLine: unknown;
  let takeBack: (() => void) | undefined;
  const drop = () => {
    length -= lines[first]?.text.length ?? 0;
    first += 1;
    dropped += 1;
  };
  const forget = () => {
    lines = [];
    first = length = dropped = lastNumber = 0;
  };
  /** A run that begins again, as after the end of its server, has another first line. */
  const isSeen = (line: unknown, number: number) => {
    if (number === 1 && lastNumber > 0 && firstLine !== undefined && line !== firstLine) forget();
    if (number === 1) firstLine = line;
    if (number <= lastNumber) return true;
    lastNumber = number;
    return false;
  };
  const flush = () => {
    if (takeBack === undefined) return;
    takeBack();
    takeBack = undefined;
    tell({ lines: lines.slice(first), dropped });
  };
  return {
    add(line, number) {
      if (number !== undefined && isSeen(line, number)) return;
      const parsed = parseLine(line);
      lines.push(parsed);
      length += parsed.text.length;
      while (lines.length - first > mostLines || (length > mostLength && lines.length - first > 1)) drop();
      if (first > mostLines) {
        lines = lines.slice(first);
        first = 0;
      }
      takeBack ??= atFrame(flush);
    },
    flush,
    end() {
      takeBack?.();
      takeBack = undefined;
    },
  };
}

function atNextFrame(callback: () => void): () => void {
  const id = requestAnimationFrame(callback);
  return () => cancelAnimationFrame(id);
}
