/** The log of an activation that has ended, as it is handed on. */
import { countOf, type LineRun, unpackLines } from './log-lines.ts';

/** Its lines; or, of a long one, what they are to be kept as, which nobody has to make of them any more. */
export type ActivationLog = readonly string[] | LongLog;

/** In order. The packed parts belong to whoever gets it. */
export interface LongLog {
  readonly parts: readonly LineRun['lines'][];
}

/** What is within both is not long. */
const shortLines = 1000;
const shortBytes = 256 * 1024;

/** @param notes lines of Ward's own at its end */
export function logOf(runs: readonly LineRun[], notes: readonly string[]): ActivationLog {
  const parts = [...runs.map(({ lines }) => lines), notes];
  const size = runs.reduce((sum, { bytes }) => sum + bytes, 0);
  return countOf(runs) > shortLines || size > shortBytes ? { parts } : parts.flatMap(unpackLines);
}

export function isLongLog(log: ActivationLog): log is LongLog {
  return 'parts' in log;
}

/** With a further line at its end. */
export function withLine(log: ActivationLog, line: string): ActivationLog {
  return isLongLog(log) ? { parts: [...log.parts, [line]] } : [...log, line];
}

/** The last of them, of a long log without unpacking the rest. */
export function lastLinesOf(log: ActivationLog, count: number): readonly string[] {
  if (!isLongLog(log)) return log.slice(-count);
  const lines: string[] = [];
  for (let at = log.parts.length - 1; at >= 0 && lines.length < count; at--) {
    const part = log.parts[at];
    if (part !== undefined) lines.unshift(...unpackLines(part));
  }
  return lines.slice(-count);
}

/** All of them: what a long log was packed to save. */
export function linesOf(log: ActivationLog): readonly string[] {
  return isLongLog(log) ? log.parts.flatMap(unpackLines) : log;
}
