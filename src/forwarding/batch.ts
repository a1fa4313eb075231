/** Takes from the activations that wait what is sent at once, without removing it. */
import { type LogEvent, logEventOf } from './log-event.ts';
import type { Batch, Waiting } from './outlet.ts';

/** Reads the lines of a record. Undefined: there is no such record. */
export type ReadLog = (namespace: string, activationId: string) => Promise<readonly string[] | undefined>;

const mostEvents = 1_000;
const mostBytes = 512 * 1024;
/** Of one activation. The rest is only in its record. */
export const mostBytesOfLog = 1024 * 1024;

/** @param now epoch milliseconds */
export async function nextBatch(waiting: readonly Waiting[], read: ReadLog, now: number): Promise<Batch> {
  const events: LogEvent[] = [];
  const whole: Waiting[] = [];
  let bytes = 0;
  for (const each of waiting) {
    const { namespace, activationId } = each.source;
    const lines = shortened((await read(namespace, activationId)) ?? []);
    for (let at = each.sentLines; at < lines.length; at++) {
      const line = lines[at] ?? '';
      const isFull = events.length >= mostEvents || (bytes + line.length > mostBytes && events.length > 0);
      if (isFull) return { events, whole, part: { of: each, sentLines: at } };
      events.push(logEventOf(each.source, line, now));
      bytes += line.length;
    }
    whole.push(each);
  }
  return { events, whole, part: undefined };
}

function shortened(lines: readonly string[]): readonly string[] {
  let bytes = 0;
  const end = lines.findIndex((line) => {
    bytes += line.length;
    return bytes > mostBytesOfLog;
  });
  if (end === -1) return lines;
  return [
    ...lines.slice(0, end),
    `${lines.length - end} more lines are only in the record of this activation.`,
  ];
}
