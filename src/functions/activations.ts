/**
 * Records of activations: listed, counted and read. A record appears as soon as its activation has
 * answered: reads wait, for a bounded time, for those whose logs are still being read.
 */
import type { Job } from '../invoker/index.ts';
import type { JsonObject, JsonValue } from '../lib/index.ts';
import type { ActivationQuery, ActivationRow, ActivationStore } from '../store/index.ts';
import type { Page } from './actions.ts';
import { functionFault, notFound } from './faults.ts';
import type { Milestone } from './milestone.ts';

export type ActivationFilter = Omit<ActivationQuery, 'skip' | 'limit' | 'brief'>;

export interface ActivationService {
  /** Summaries, newest first. */
  list(query: ActivationFilter & Page): Promise<readonly JsonObject[]>;
  /** Full records, newest first; each is read when it is asked for, since a page may not fit in memory. */
  records(query: ActivationFilter & Page): AsyncIterable<JsonObject>;
  count(filter: ActivationFilter): Promise<number>;
  /** The full record. @throws Fault ACTIVATION_ID_INVALID, NOT_FOUND */
  get(namespace: string, activationId: string): Promise<JsonObject>;
  /** Its `response`. @throws Fault ACTIVATION_ID_INVALID, NOT_FOUND */
  result(namespace: string, activationId: string): Promise<JsonValue>;
  /** @throws Fault ACTIVATION_ID_INVALID, NOT_FOUND */
  logs(namespace: string, activationId: string): Promise<readonly string[]>;
  /** A record is on its way to the store: reads wait for it, until it has arrived. */
  expect(record: ExpectedRecord): void;
  arrived(activationId: string): void;
}

export interface ExpectedRecord {
  readonly job: Pick<Job, 'activationId' | 'namespace'>;
  readonly visible: Milestone;
}

/** A sandbox that keeps its log streams open must not hold up a listing for longer. */
const settleWaitMs = 2000;
const idLength = 32;

export function createActivations(store: ActivationStore): ActivationService {
  const expected = new Map<string, ExpectedRecord>();
  const settled = async (isMeant: (job: ExpectedRecord['job']) => boolean): Promise<void> => {
    if (expected.size === 0) return;
    const meant = [...expected.values()].filter(({ job }) => isMeant(job));
    if (meant.length === 0) return;
    await within(Promise.all(meant.map(({ visible }) => visible.reached())), settleWaitMs);
  };
  const find = async (namespace: string, activationId: string): Promise<ActivationRow> => {
    checkActivationId(activationId);
    await settled((job) => job.activationId === activationId);
    const row = await store.get(namespace, activationId);
    if (row === undefined) throw notFound();
    return row;
  };
  const briefRows = async (query: ActivationFilter & Page) => {
    await settled((job) => job.namespace === query.namespace);
    return store.list({ ...query, brief: true });
  };
  const full = async (row: ActivationRow): Promise<JsonObject> => {
    const logs = await store.logs(row.namespace, row.activationId);
    return { ...row.document, logs: logs ?? [] };
  };

  return {
    async list(query) {
      return (await briefRows(query)).map(summarise);
    },
    async *records(query) {
      for (const { namespace, activationId } of await briefRows(query)) {
        const row = await store.get(namespace, activationId);
        if (row !== undefined) yield full(row);
      }
    },
    async count(filter) {
      await settled((job) => job.namespace === filter.namespace);
      return store.count(filter);
    },
    async get(namespace, activationId) {
      return full(await find(namespace, activationId));
    },
    async result(namespace, activationId) {
      const row = await find(namespace, activationId);
      return row.document['response'] ?? {};
    },
    async logs(namespace, activationId) {
      await find(namespace, activationId);
      return (await store.logs(namespace, activationId)) ?? [];
    },
    expect(record) {
      expected.set(record.job.activationId, record);
    },
    arrived(activationId) {
      expected.delete(activationId);
    },
  };
}

/** @throws Fault ACTIVATION_ID_INVALID */
export function checkActivationId(text: string): void {
  if (text.length !== idLength) {
    throw functionFault(
      'ACTIVATION_ID_INVALID',
      `Activation id length is ${text.length} but must be ${idLength}.`,
    );
  }
  if (!/^[0-9a-f]+$/.test(text)) {
    throw functionFault('ACTIVATION_ID_INVALID', 'The activation id is not valid.');
  }
}

/** Settles when `work` does, or after `timeoutMs`; true in the first case. `work` must not reject. */
export async function within(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, timeoutMs, false);
  try {
    return await Promise.race([work.then(() => true), promise]);
  } finally {
    clearTimeout(timer);
  }
}

const summaryFields = [
  'namespace',
  'name',
  'version',
  'publish',
  'annotations',
  'activationId',
  'start',
  'end',
  'duration',
  'cause',
];

function summarise(row: ActivationRow): JsonObject {
  const shown = summaryFields
    .filter((field) => row.document[field] !== undefined)
    .map((field) => [field, row.document[field]]);
  return { ...Object.fromEntries(shown), ...(row.end === null ? {} : { statusCode: row.statusCode }) };
}
