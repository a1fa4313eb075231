/** Reports how an activation ended, and why it failed. */
import { setTimeout as delay } from 'node:timers/promises';
import { isFault, isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import type { ApiClient } from '../client.ts';
import { annotationOf, logLinesOf, objectOf, stripLogLine, textOf } from '../entity-fields.ts';
import { exitActionError } from '../faults.ts';
import type { Io } from '../io.ts';
import { printableLine } from '../printable.ts';

const shownLogLines = 15;

export function isSuccess(record: JsonObject): boolean {
  return objectOf(record['response'])['success'] === true;
}

export function resultOf(record: JsonObject): JsonValue {
  return objectOf(record['response'])['result'] ?? null;
}

/** The text of an error result. */
function errorText(result: JsonValue): string {
  const error = isJsonObject(result) ? result['error'] : result;
  if (isJsonObject(error) && typeof error['message'] === 'string') return error['message'];
  return typeof error === 'string' ? error : JSON.stringify(error ?? null);
}

/** Reports the failure, its reason and its log. @returns the exit code */
export function reportFailure(
  io: Io,
  action: string,
  record: JsonObject,
  logLines: readonly string[],
): number {
  const status = textOf(objectOf(record['response'])['status']);
  const hint = textOf(annotationOf(record, 'hint'));
  const why = withoutStack(errorText(resultOf(record)));
  io.problem('ACTION_FAILED', `${action} ended with '${status}'`, { why, ...(hint === '' ? {} : { hint }) });
  const shown = logLines.filter((line) => line !== `hint: ${hint}`);
  if (shown.length > 0) io.note(`log:   ${shown.map(printableLine).join('\n       ')}`);
  const more = hint === '' ? 'try:   ' : 'more:  ';
  io.note(`${more}ward activation logs ${textOf(record['activationId'])}`);
  return exitActionError;
}

/** The frames of a stack are in the log, with the line that threw. */
function withoutStack(text: string): string {
  return text.split(/\n\s+at /, 1)[0] ?? '';
}

/** The last lines of the log; the server writes the record with the log a moment after the result. */
export async function logTail(client: ApiClient, namespace: string, id: string): Promise<string[]> {
  for (const waitMs of [0, 100, 300]) {
    await delay(waitMs);
    try {
      const path = ['namespaces', namespace, 'activations', id];
      const record = await client.sendForObject({ method: 'GET', path, timeoutMs: 5000 });
      return logLinesOf(record).slice(-shownLogLines).map(stripLogLine);
    } catch (error) {
      // This reports the action's failure, so a missing log is no further failure.
      if (!isFault(error)) throw error;
    }
  }
  return [];
}
