/** The followers of a log while it is written. */
import { type LogFollower, unpackLines } from '../../dispatch/index.ts';
import { countOf, type LineRun } from './log-lines.ts';

/** How many earlier lines a new follower gets. */
const maxSoFar = 1000;

export class LogFollowers {
  readonly #all = new Set<LogFollower>();

  /** Adds a follower and gives it the last lines so far. */
  add(follower: LogFollower, soFar: readonly LineRun[]): Disposable {
    this.#all.add(follower);
    const lines = lastLines(soFar);
    const left = countOf(soFar) - lines.length;
    if (left > 0) follower.skip(left);
    for (const line of lines) follower.add(line);
    return { [Symbol.dispose]: () => void this.#all.delete(follower) };
  }

  send(line: string): void {
    for (const follower of this.#all) follower.add(line);
  }

  sendRuns(runs: readonly LineRun[]): void {
    if (this.#all.size === 0) return;
    for (const { lines } of runs) for (const line of unpackLines(lines)) this.send(line);
  }
}

/** Unpacks only the runs that hold them. */
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
