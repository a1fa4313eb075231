/** Logs as JSON, a slice at a time: ten mebibytes at once would make every other call wait. */
import { setImmediate } from 'node:timers/promises';

/** So many lines are not worth a pause. */
export const sliceLines = 1000;

/** The same as `JSON.stringify`, with pauses. */
export async function logJson(lines: readonly string[]): Promise<string> {
  const slices: string[] = [];
  for (let at = 0; at < lines.length; at += sliceLines) {
    if (at > 0) await setImmediate();
    slices.push(JSON.stringify(lines.slice(at, at + sliceLines)).slice(1, -1));
  }
  return `[${slices.join(',')}]`;
}
