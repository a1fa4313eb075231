/** Those who follow a log while it is written. */
import { type LogFollower, unpackLines } from '../../dispatch/index.ts';
import { countOf, type LineRun } from './log-lines.ts';

/** Lines so far that a new follower gets. */
const maxSoFar = 1000;

export class LogFollowers {
  readonly #all = new Set<LogFollower>();

  /** Gives the new one the last lines so far. */
  add(follower: LogFollower, soFar: readonly LineRun[]): Disposable {
    this.#all.add(follower);
    const lines = lastLines(soFar);
    const left = countOf(soFar) - lines.length;
    if (left > 0) follower.skip(left);
    for (const line of lines) follower.add(line);
    return { [Symbol.dispose]: () => void this.#all.delete(follower) };
  }

  tell(line: string): void {
    for (const follower of this.#all) follower.add(line);
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
