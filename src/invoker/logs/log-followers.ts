/** Those who follow a log while it is written. Whoever fails to listen is dropped: a log waits for nobody. */
import { formatLine, unpackLines } from '../../dispatch/index.ts';
import { countOf, type LineRun } from './log-lines.ts';

export type OnLine = (line: string) => void;

/** Lines so far that whoever begins to follow is told. */
const maxSoFar = 1000;

export class LogFollowers {
  readonly #all = new Set<OnLine>();

  /** Tells the newcomer the last lines so far, and how many were before them. */
  add(onLine: OnLine, soFar: readonly LineRun[]): Disposable {
    this.#all.add(onLine);
    const lines = lastLines(soFar);
    const left = countOf(soFar) - lines.length;
    if (left > 0) this.#tellOne(onLine, formatLine('stderr', `Earlier lines, not shown here: ${left}.`));
    for (const line of lines) this.#tellOne(onLine, line);
    return { [Symbol.dispose]: () => void this.#all.delete(onLine) };
  }

  tell(line: string): void {
    for (const onLine of this.#all) this.#tellOne(onLine, line);
  }

  #tellOne(onLine: OnLine, line: string): void {
    try {
      if (this.#all.has(onLine)) onLine(line);
    } catch {
      this.#all.delete(onLine);
    }
  }
}

/** Only the runs that hold them are unpacked. */
function lastLines(runs: readonly LineRun[]): readonly string[] {
  const last: (readonly string[])[] = [];
  let count = 0;
  for (let at = runs.length - 1; at >= 0 && count < maxSoFar; at--) {
    const lines = unpackLines(runs[at]?.lines ?? []);
    last.unshift(lines);
    count += lines.length;
  }
  return last.flat().slice(-maxSoFar);
}
