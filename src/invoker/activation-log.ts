/** The log of an activation that has ended, as it is handed on. */
import { countOf, type Run, unpackLines } from './log-lines.ts';

/** Its lines; or, of a long one, what they are to be kept as, which nobody has to make of them any more. */
export type ActivationLog = readonly string[] | LongLog;

/** In order. The packed parts belong to whoever gets it. */
export interface LongLog {
  readonly parts: readonly Run['lines'][];
}

/** What is within both is not long. */
const shortLines = 1000;
const shortBytes = 256 * 1024;

/** @param notes lines of Ward's own at its end */
export function logOf(runs: readonly Run[], notes: readonly string[]): ActivationLog {
  const parts = [...runs.map(({ lines }) => lines), notes];
  const size = runs.reduce((sum, { bytes }) => sum + bytes, 0);
  return countOf(runs) > shortLines || size > shortBytes ? { parts } : parts.flatMap(unpackLines);
}

export function isLongLog(log: ActivationLog): log is LongLog {
  return 'parts' in log;
}

/** All of them: what a long log was packed to save. */
export function linesOf(log: ActivationLog): readonly string[] {
  return isLongLog(log) ? log.parts.flatMap(unpackLines) : log;
}
