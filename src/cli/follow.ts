/**
 * Follows a run until its record is written, and shows its log lines as they arrive in a stream of events. A broken
 * stream is reopened; each stream starts with earlier lines, so lines that were shown are skipped.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isFault, isJsonObject, type JsonObject, type JsonValue } from '../lib/index.ts';
import type { ApiClient } from './client.ts';
import { isPending, logLinesOf } from './entity-fields.ts';
import { cliFault } from './faults.ts';

interface FollowedRun {
  readonly namespace: string;
  readonly activationId: string;
  readonly onLine: (line: string) => void;
  /** Ends the following. */
  readonly signal?: AbortSignal;
}

/** Consecutive streams that ended before the run did, or never began. */
const maxBroken = 5;
const retryMs = 1000;
/** Others may have as many streams open as their namespace may have. */
const fullMs = 5000;

/**
 * Returns its record, without logs; undefined when the server keeps none. @throws Fault NOT_FOUND,
 * SERVER_UNREACHABLE, …
 */
export async function followRun(client: ApiClient, run: FollowedRun): Promise<JsonObject | undefined> {
  const path = ['namespaces', run.namespace, 'activations', run.activationId];
  let shown = 0;
  for (let broken = 0; ; broken++) {
    let seen = 0;
    let pauseMs = retryMs;
    try {
      for await (const { type, data, id } of client.events([...path, 'stream'], run.signal)) {
        if (type === 'end') {
          const record = recordOf(data);
          if (record === undefined || !isPending(record)) return record;
          // The run was accepted and waits for its turn, so there is nothing to follow yet.
          broken = -1;
        }
        if (type !== 'log') continue;
        seen = numberOf(id) ?? seen + 1;
        if (seen <= shown) continue;
        run.onLine(lineOf(data));
        shown = seen;
        broken = -1;
      }
    } catch (error) {
      if (run.signal?.aborted) throw error;
      const isFull = isFault(error) && error.kind === 'throttled';
      const isMissing = isFault(error) && error.kind === 'missing';
      const record = isFull || isMissing ? await endedRecord(client, path) : undefined;
      if (record !== undefined) {
        for (const line of logLinesOf(record).slice(shown)) run.onLine(line);
        return record;
      }
      if (isFull) [broken, pauseMs] = [-1, fullMs];
      if (!isPassing(error) || broken >= maxBroken) throw error;
    }
    if (broken >= maxBroken)
      throw cliFault('SERVER_TIMED_OUT', `the log of ${run.activationId} keeps being interrupted`, {
        hint: `ward activation get ${run.activationId}`,
      });
    await delay(pauseMs);
  }
}

/** A run that has ended possibly has no stream any more. */
async function endedRecord(client: ApiClient, path: readonly string[]): Promise<JsonObject | undefined> {
  const record = await client.find({ method: 'GET', path });
  return record === undefined || isPending(record) ? undefined : record;
}

function isPassing(error: unknown): boolean {
  return isFault(error) && ['busy', 'throttled', 'unreachable'].includes(error.kind);
}

/** The number of the line in the whole log. An older server does not send it. */
function numberOf(id: string | undefined): number | undefined {
  return id !== undefined && /^\d{1,15}$/.test(id) ? Number(id) : undefined;
}

function lineOf(data: string): string {
  const line = parse(data);
  return typeof line === 'string' ? line : data;
}

function recordOf(data: string): JsonObject | undefined {
  const record = parse(data);
  if (record === null) return undefined;
  if (isJsonObject(record)) return record;
  throw cliFault('SERVER_NOT_WARD', 'the stream ended with something other than a record');
}

function parse(data: string): JsonValue {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
