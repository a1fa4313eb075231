/**
 * The requests that a webhook refused, for its owner: how many, and the last of them. People who know the URL but not the secret can
 * cause any number, so each webhook keeps a few, and a server writes its row once a minute at most. Between two writes, they are in
 * memory: a `kill -9` loses them.
 */
import { z } from 'zod';
import { BoundedMap, type KeyedLock, type Log, messageOf, randomHex } from '../../lib/index.ts';
import type { FeedStore } from '../../store/index.ts';
import { type PlainRef, plainNameOf } from '../entities/entity-row.ts';

const mostKept = 10;

export const refusals = z.object({
  count: z.number(),
  /** The newest first. */
  last: z.array(z.object({ at: z.number(), status: z.number(), address: z.string() })).max(mostKept),
});

export type Refusals = z.infer<typeof refusals>;
/** `at` is in epoch milliseconds, `status` that of HTTP, `address` the client's. */
export type Refusal = Refusals['last'][number];

export interface RefusalNotes {
  note(trigger: PlainRef, refusal: Refusal): void;
  /** Adds those that are not written yet. */
  withNew(trigger: PlainRef, written: Refusals | undefined): Refusals | undefined;
  /** Writes what waits. */
  close(): Promise<void>;
}

interface RefusalOptions {
  readonly feeds: Pick<FeedStore, 'get' | 'put'>;
  /** The provider of the rows that it may write. */
  readonly provider: string;
  /** By the trigger's path. */
  readonly lock: KeyedLock;
  readonly log: Log;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
}

interface Waiting {
  readonly trigger: PlainRef;
  news: Refusals | undefined;
  writtenAt: number;
}

const betweenWritesMs = 60_000;
/** Webhooks with refusals that wait; of further ones, the oldest are dropped. */
const mostWebhooks = 10_000;

export function createRefusalNotes(options: RefusalOptions): RefusalNotes {
  const { lock, log, elapsed } = options;
  const waiting = new BoundedMap<string, Waiting>(mostWebhooks);
  const writes = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;

  const write = async (entry: Waiting): Promise<void> => {
    const { trigger, news } = entry;
    if (news === undefined) return;
    entry.news = undefined;
    entry.writtenAt = elapsed();
    try {
      await lock.run(plainNameOf(trigger), () => add(options, trigger, news));
    } catch (error) {
      entry.news = merged(entry.news, news);
      log.debug({ trigger: plainNameOf(trigger), reason: messageOf(error) }, 'refusals were not written');
    }
  };
  const writeSoon = (entry: Waiting): void => {
    const writing = write(entry).finally(() => writes.delete(writing));
    writes.add(writing);
  };
  const writeAll = (): void => {
    timer = undefined;
    for (const entry of waiting.values()) writeSoon(entry);
  };
  return {
    note(trigger, refusal) {
      const path = plainNameOf(trigger);
      const entry = waiting.get(path) ?? { trigger, news: undefined, writtenAt: -Infinity };
      waiting.set(path, entry);
      entry.news = merged({ count: 1, last: [refusal] }, entry.news);
      if (elapsed() - entry.writtenAt >= betweenWritesMs) writeSoon(entry);
      else timer ??= setTimeout(writeAll, betweenWritesMs).unref();
    },
    withNew: (trigger, written) => merged(waiting.get(plainNameOf(trigger))?.news, written),
    async close() {
      clearTimeout(timer);
      writeAll();
      await Promise.all(writes);
    },
  };
}

/** @throws Error when another write won */
async function add({ feeds, provider }: RefusalOptions, trigger: PlainRef, news: Refusals): Promise<void> {
  const row = await feeds.get(trigger.namespace, trigger.name);
  if (row?.provider !== provider) return;
  const written = refusals.safeParse(row.document['refused']);
  const refused = merged(news, written.data);
  const next = {
    ...row,
    revision: randomHex(16),
    document: { ...row.document, ...(refused && { refused }) },
  };
  if (!(await feeds.put(next, row.revision))) throw new Error('the webhook has changed');
}

function merged(newer: Refusals | undefined, older: Refusals | undefined): Refusals | undefined {
  if (newer === undefined || older === undefined) return newer ?? older;
  return { count: newer.count + older.count, last: [...newer.last, ...older.last].slice(0, mostKept) };
}
