/**
 * A run from its acceptance to its record: its log lines as they come, over a stream of events. A stream that
 * breaks is opened again; each one begins with the lines so far, or with the last of them, so what was shown is skipped.
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
  /** Nobody follows any more. */
  readonly signal?: AbortSignal;
}

/** Streams that ended without the run's end, or never began, one after the other. */
const maxBroken = 5;
const retryMs = 1000;

/** Its record, without logs; undefined when none is kept. @throws Fault NOT_FOUND, SERVER_UNREACHABLE, … */
export async function followRun(client: ApiClient, run: FollowedRun): Promise<JsonObject | undefined> {
  const path = ['namespaces', run.namespace, 'activations', run.activationId];
  let shown = 0;
  for (let broken = 0; ; broken++) {
    let seen = 0;
    try {
      for await (const { type, data, id } of client.events([...path, 'stream'], run.signal)) {
        if (type === 'end') {
          const record = recordOf(data);
          if (record === undefined || !isPending(record)) return record;
          // It was accepted and waits for its turn, so there is nothing to follow yet.
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
      const record = isFault(error) && error.kind === 'missing' ? await endedRecord(client, path) : undefined;
      if (record !== undefined) {
        for (const line of logLinesOf(record).slice(shown)) run.onLine(line);
        return record;
      }
      if (!isPassing(error) || broken >= maxBroken) throw error;
    }
    if (broken >= maxBroken)
      throw cliFault('SERVER_TIMED_OUT', `the log of ${run.activationId} keeps breaking off`, {
        hint: `ward activation get ${run.activationId}`,
      });
    await delay(retryMs);
  }
}

/** A run that has ended may have no stream any more. */
async function endedRecord(client: ApiClient, path: readonly string[]): Promise<JsonObject | undefined> {
  const record = await client.find({ method: 'GET', path });
  return record === undefined || isPending(record) ? undefined : record;
}

function isPassing(error: unknown): boolean {
  return isFault(error) && ['busy', 'throttled', 'unreachable'].includes(error.kind);
}

/** Of the line in the whole log. An older server does not tell it. */
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
