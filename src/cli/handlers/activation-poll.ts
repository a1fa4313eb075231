/**
 * `ward activation poll`: asks for new activations every two seconds, oldest first. Records are not written in the
 * order of their starts, so each request reaches back a while, and remembers what was shown. A call that ran for longer
 * was seen under way: its record is asked for by its id.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isFault, isJsonObject, type JsonObject } from '../../lib/index.ts';
import type { ApiClient } from '../client.ts';
import type { Context, Handler } from '../command-spec.ts';
import { durationText, isPending, logLinesOf, numberOf, textOf, timeText } from '../entity-fields.ts';
import type { Input } from '../input.ts';
import { printableLine } from '../printable.ts';
import { parseActivationFilter } from './activation-filter.ts';
import { actionOf, statusOf } from './activation-view.ts';

const everyMs = 2000;
/** Also of calls that another node took, which are listed as under way a minute later. */
const reachBackMs = 60_000;
/** Where the server lists no calls under way: the longest default time limit. */
const longestRunMs = 300_000;
/** The server reads its whole queue to list calls. When that takes longer than this, it is asked only now and then. */
const slowMs = 100;
/** Less than `reachBackMs`: a longer run is seen at least once. */
const restMs = 30_000;
/** A record is written a moment after the call has ended, or never. */
const mostLooks = 3;
const maxRemembered = 20_000;

export const poll: Handler = async (input, context) => {
  const client = await context.client();
  const exitSeconds = input.integer('exit', { min: 1 });
  const endsAt = exitSeconds === undefined ? Number.POSITIVE_INFINITY : Date.now() + exitSeconds * 1000;
  const filter = parseActivationFilter(input.optional(0), context.settings().namespace.value);
  const ended = new EndedCalls(client, filter, Date.now() - sinceMs(input));
  const shown = new Set<string>();
  context.io.note('waiting for activations; press Ctrl-C to stop');
  for (;;) {
    for (const record of await nextOf(ended, context)) {
      const id = textOf(record['activationId']);
      if (shown.has(id)) continue;
      shown.add(id);
      await show(record, context);
    }
    forgetOldest(shown);
    if (Date.now() + everyMs > endsAt) return 0;
    await delay(everyMs);
  }
};

async function nextOf(ended: EndedCalls, context: Context): Promise<readonly JsonObject[]> {
  try {
    return await ended.next();
  } catch (error) {
    // Polling continues while the server restarts or is busy.
    if (!isFault(error) || !['busy', 'throttled', 'unreachable'].includes(error.kind)) throw error;
    context.io.note(`${error.message}; trying again`);
    return [];
  }
}

class EndedCalls {
  readonly #client: ApiClient;
  readonly #filter: ReturnType<typeof parseActivationFilter>;
  readonly #beginsAt: number;
  /** The newest start of a record. */
  #newest: number;
  /** No calls are asked for before this time. */
  #restsUntil = 0;
  /** Calls that were under way, and how often their records were not there since. */
  readonly #awaited = new Map<string, number>();

  constructor(client: ApiClient, filter: ReturnType<typeof parseActivationFilter>, beginsAt: number) {
    this.#client = client;
    this.#filter = filter;
    this.#beginsAt = beginsAt;
    this.#newest = beginsAt;
  }

  /** Records, oldest first; some come again. @throws Fault of a request */
  async next(): Promise<readonly JsonObject[]> {
    // Asked first, so that a call that ends meanwhile is in one of the two lists.
    const isResting = performance.now() < this.#restsUntil;
    const underWay = isResting ? undefined : await this.#underWay();
    const records = await this.#records(underWay === undefined && !isResting ? longestRunMs : reachBackMs);
    const late = underWay === undefined ? [] : await this.#late(underWay, records);
    for (const record of records) this.#newest = Math.max(this.#newest, numberOf(record['start']) ?? 0);
    return [...late, ...records.toReversed()];
  }

  /** Ids of the longest calls that have not ended. Undefined if the server does not tell. */
  async #underWay(): Promise<ReadonlySet<string> | undefined> {
    const query = { name: this.#filter.name, since: Math.round(this.#beginsAt), limit: 0 };
    const path = ['namespaces', this.#filter.namespace, 'calls'];
    const askedAt = performance.now();
    const page = await this.#client.find({ method: 'GET', root: '/ward/v1', path, query });
    if (performance.now() - askedAt > slowMs) this.#restsUntil = performance.now() + restMs;
    if (page === undefined) return undefined;
    const calls = Array.isArray(page['calls']) ? page['calls'].filter(isJsonObject) : [];
    return new Set(calls.map((each) => textOf(each['activationId'])));
  }

  async #records(reachBack: number): Promise<readonly JsonObject[]> {
    const since = Math.round(Math.max(this.#beginsAt, this.#newest - reachBack));
    const query = { docs: true, limit: 0, skip: 0, since, name: this.#filter.name };
    const path = ['namespaces', this.#filter.namespace, 'activations'];
    const records = await this.#client.sendForList({ method: 'GET', path, query });
    // A running activation is shown with its log after it has ended.
    return records.filter((record) => !isPending(record));
  }

  /** Records of calls that have ended since they were seen, and started before those of the list. */
  async #late(underWay: ReadonlySet<string>, records: readonly JsonObject[]): Promise<readonly JsonObject[]> {
    const listed = new Set(records.map((record) => textOf(record['activationId'])));
    const ended = [...this.#awaited].filter(([id]) => !underWay.has(id));
    const found = new Map<string, JsonObject>();
    for (const [id] of ended) {
      const path = ['namespaces', this.#filter.namespace, 'activations', id];
      const record = listed.has(id) ? undefined : await this.#client.find({ method: 'GET', path });
      if (record !== undefined) found.set(id, record);
    }
    for (const [id, looks] of ended) {
      if (found.has(id) || listed.has(id) || looks + 1 >= mostLooks) this.#awaited.delete(id);
      else this.#awaited.set(id, looks + 1);
    }
    for (const id of underWay) this.#awaited.set(id, 0);
    return [...found.values()];
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
