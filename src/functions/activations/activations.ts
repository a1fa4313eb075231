/**
 * Records of activations: listed, counted and read. A record appears as soon as its activation has
 * answered: reads wait, for a bounded time, for those whose logs are still being read. Those of another server are on their
 * way for a moment: a read of one record waits for that, a list does not.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type JsonObject, type JsonValue, withTimeout } from '../../lib/index.ts';
import type { ActivationFilter, ActivationRow, ActivationStore } from '../../store/index.ts';
import type { ListRange } from '../entities/page.ts';
import { functionFault, notFound } from '../faults.ts';
import type { Milestone } from './milestone.ts';
import type { Task } from './task.ts';

export interface ActivationService {
  /** Summaries, newest first. */
  list(query: ActivationFilter & ListRange): Promise<readonly JsonObject[]>;
  /** Full records, newest first; each is read when it is asked for, since a page may not fit in memory. */
  records(query: ActivationFilter & ListRange): AsyncIterable<JsonObject>;
  count(filter: ActivationFilter): Promise<number>;
  /** The full record of one that has ended. @throws Fault ACTIVATION_ID_INVALID, NOT_FOUND */
  get(namespace: string, activationId: string): Promise<JsonObject>;
  /** Its `response`. @throws Fault ACTIVATION_ID_INVALID, NOT_FOUND */
  result(namespace: string, activationId: string): Promise<JsonValue>;
  /** @throws Fault ACTIVATION_ID_INVALID, NOT_FOUND */
  logs(namespace: string, activationId: string): Promise<readonly string[]>;
  /** The known part of an activation that has not ended; undefined when it has ended or never was. */
  pending(namespace: string, activationId: string): Promise<JsonObject | undefined>;
  /** What it was called with, if its action says that this is kept. @throws Fault ACTIVATION_ID_INVALID, NOT_FOUND */
  input(namespace: string, activationId: string): Promise<JsonValue>;
  /** A record is on its way to the store: reads wait for it, until it has arrived. */
  expect(record: ExpectedRecord): void;
  arrived(activationId: string): void;
}

export interface ExpectedRecord {
  readonly task: Pick<Task, 'activationId' | 'namespace'>;
  readonly visible: Milestone;
}

/** A sandbox that keeps its log streams open must not hold up a listing for longer. */
const settleWaitMs = 2000;
/** Until a record of another server is looked for again: it gathers them for 25 ms, and its disk may be slow. */
const lookAgainMs = [20, 40, 80, 160, 200];
const idLength = 32;

/**
 * @param pendingOf what can be said of an activation that was accepted and has no record yet
 * @param isAlone no other server writes records
 */
export function createActivations(
  store: ActivationStore,
  pendingOf: (namespace: string, activationId: string) => Promise<JsonObject | undefined>,
  isAlone: boolean,
): ActivationService {
  const expected = new Map<string, ExpectedRecord>();
  const settled = async (isMeant: (task: ExpectedRecord['task']) => boolean): Promise<void> => {
    if (expected.size === 0) return;
    const meant = [...expected.values()].filter(({ task }) => isMeant(task));
    if (meant.length === 0) return;
    const all = Promise.all(meant.map(({ visible }) => visible.reached()));
    await withTimeout(all, settleWaitMs, () => undefined);
  };
  const find = async (namespace: string, activationId: string): Promise<ActivationRow> => {
    checkActivationId(activationId);
    await settled((task) => task.activationId === activationId);
    const row = (await store.get(namespace, activationId)) ?? (await fromElsewhere(namespace, activationId));
    if (row === undefined) throw notFound();
    return row;
  };
  /** An id does not tell its age, so one that never was is waited for as well. */
  const fromElsewhere = async (
    namespace: string,
    activationId: string,
  ): Promise<ActivationRow | undefined> => {
    if (isAlone) return undefined;
    for (const pauseMs of lookAgainMs) {
      if ((await pendingOf(namespace, activationId)) !== undefined) return undefined;
      await sleep(pauseMs);
      const row = await store.get(namespace, activationId);
      if (row !== undefined) return row;
    }
    return undefined;
  };
  const briefRows = async (query: ActivationFilter & ListRange) => {
    await settled((task) => task.namespace === query.namespace);
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
      await settled((task) => task.namespace === filter.namespace);
      return store.count(filter);
    },
    async get(namespace, activationId) {
      return full(await find(namespace, activationId));
    },
    async result(namespace, activationId) {
      const { document } = await find(namespace, activationId);
      return document['response'] ?? {};
    },
    async logs(namespace, activationId) {
      await find(namespace, activationId);
      return (await store.logs(namespace, activationId)) ?? [];
    },
    pending: pendingOf,
    async input(namespace, activationId) {
      checkActivationId(activationId);
      const input = await store.input(namespace, activationId);
      if (input === undefined) throw notFound();
      return input;
    },
    expect(record) {
      expected.set(record.task.activationId, record);
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
