/**
 * `ward activation poll`: asks for new activations every two seconds, oldest first. Records are not written in the
 * order of their starts, so each request reaches back a while, and remembers what was shown.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isFault, type JsonObject } from '../../lib/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import { durationText, isPending, logLinesOf, numberOf, textOf, timeText } from '../entity-fields.ts';
import type { Input } from '../input.ts';
import { printableLine } from '../printable.ts';
import { parseActivationFilter } from './activation-filter.ts';
import { actionOf, statusOf } from './activation-view.ts';

const everyMs = 2000;
/** Longest default run time of an activation: its record carries the time at which it started. */
const reachBackMs = 60_000;
const maxRemembered = 20_000;

export const poll: Handler = async (input, context) => {
  const client = await context.client();
  const exitSeconds = input.integer('exit', { min: 1 });
  const endsAt = exitSeconds === undefined ? Number.POSITIVE_INFINITY : Date.now() + exitSeconds * 1000;
  const beginsAt = Date.now() - sinceMs(input);
  const shown = new Set<string>();
  let newest = beginsAt;
  context.io.note('waiting for activations; press Ctrl-C to stop');
  for (;;) {
    const records = await fetchSince(input, context, client, Math.max(beginsAt, newest - reachBackMs));
    for (const record of records.toReversed()) {
      const id = textOf(record['activationId']);
      // A running activation is shown with its log after it has ended.
      if (shown.has(id) || isPending(record)) continue;
      shown.add(id);
      newest = Math.max(newest, numberOf(record['start']) ?? 0);
      await show(record, context);
    }
    forgetOldest(shown);
    if (Date.now() + everyMs > endsAt) return 0;
    await delay(everyMs);
  }
};

async function fetchSince(
  input: Input,
  context: Context,
  client: Awaited<ReturnType<Context['client']>>,
  since: number,
): Promise<JsonObject[]> {
  const { namespace, name } = parseActivationFilter(input.optional(0), context.settings().namespace.value);
  const path = ['namespaces', namespace, 'activations'];
  const query = { docs: true, limit: 0, skip: 0, since: Math.round(since), name };
  try {
    return await client.sendForList({ method: 'GET', path, query });
  } catch (error) {
    // Polling continues while the server restarts or is busy.
    if (!isFault(error) || !['busy', 'throttled', 'unreachable'].includes(error.kind)) throw error;
    context.io.note(`${error.message}; trying again`);
    return [];
  }
}

async function show(record: JsonObject, context: Context): Promise<void> {
  const { io } = context;
  if (io.format === 'json') return io.lines([JSON.stringify(record)]);
  if (io.format === 'name') return io.lines([printableLine(textOf(record['activationId']))]);
  const head = [
    timeText(record['start']),
    textOf(record['activationId']),
    actionOf(record),
    statusOf(record),
    durationText(record['duration']),
  ];
  io.lines([head.map(printableLine).join('  '), ...logLinesOf(record).map((line) => `  ${line}`)]);
}

function sinceMs(input: Input): number {
  const units = [
    ['sinceSeconds', 1],
    ['sinceMinutes', 60],
    ['sinceHours', 3600],
    ['sinceDays', 86_400],
  ] as const;
  return units.reduce((sum, [name, seconds]) => sum + (input.integer(name) ?? 0) * seconds * 1000, 0);
}

function forgetOldest(shown: Set<string>): void {
  for (const id of shown) {
    if (shown.size <= maxRemembered) return;
    shown.delete(id);
  }
}
