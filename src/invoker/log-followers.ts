/** Those who follow a log while it is written. Whoever fails to listen is dropped: a log waits for nobody. */
import { formatLine, type LogLine } from './log-lines.ts';

export type OnLine = (line: string) => void;

/** Lines so far that whoever begins to follow is told. */
const maxSoFar = 1000;

export class LogFollowers {
  private readonly all = new Set<OnLine>();

  /** Tells the newcomer the last lines so far, and how many were before them. */
  add(onLine: OnLine, soFar: readonly LogLine[]): Disposable {
    this.all.add(onLine);
    const left = soFar.length - maxSoFar;
    if (left > 0) this.tellOne(onLine, formatLine('stderr', `Earlier lines, not shown here: ${left}.`));
    for (const { text } of soFar.slice(-maxSoFar)) this.tellOne(onLine, text);
    return { [Symbol.dispose]: () => void this.all.delete(onLine) };
  }

  tell(line: string): void {
    for (const onLine of this.all) this.tellOne(onLine, line);
  }

  private tellOne(onLine: OnLine, line: string): void {
    try {
      if (this.all.has(onLine)) onLine(line);
    } catch {
      this.all.delete(onLine);
    }
  }
}
