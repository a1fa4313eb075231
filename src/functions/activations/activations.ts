/**
 * Lists, counts and reads records of activations. A record appears as soon as its activation has answered: reads
 * wait, for a bounded time, for records whose logs are still being read. Records of another server arrive a moment
 * later: a read of one record waits for that, a list does not.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type JsonObject, type JsonValue, withTimeout } from '../../lib/index.ts';
import type { ActivationRow, ActivationStore } from '../../store/index.ts';
import type { ListRange } from '../entities/page.ts';
import { functionFault, notFound } from '../faults.ts';
import {
  type ActivationSearch,
  createActivationSearch,
  isSearch,
  type SearchActivations,
} from './activation-search.ts';
import type { Milestone } from './milestone.ts';
import type { Task } from './task.ts';

export interface ActivationService {
  /** Summaries, newest first. */
  list(query: ActivationSearch & ListRange): Promise<readonly JsonObject[]>;
  /** Full records, newest first. Each is read only when it is asked for, because a page may not fit in memory. */
  records(query: ActivationSearch & ListRange): AsyncIterable<JsonObject>;
  count(search: ActivationSearch): Promise<number>;
  /** The full record of an ended activation. @throws Fault ACTIVATION_ID_INVALID, NOT_FOUND */
  get(namespace: string, activationId: string): Promise<JsonObject>;
  /** Its `response`. @throws Fault ACTIVATION_ID_INVALID, NOT_FOUND */
  result(namespace: string, activationId: string): Promise<JsonValue>;
  /** @throws Fault ACTIVATION_ID_INVALID, NOT_FOUND */
  logs(namespace: string, activationId: string): Promise<readonly string[]>;
  /** The known part of an activation that has not ended. Undefined if it has ended or never existed. */
  pending(namespace: string, activationId: string): Promise<JsonObject | undefined>;
  /** The parameters of the call, if its action asks to keep them. @throws Fault ACTIVATION_ID_INVALID, NOT_FOUND */
  input(namespace: string, activationId: string): Promise<JsonValue>;
  /** Announces a record on its way to the store. Reads wait for it. */
  expect(record: ExpectedRecord): void;
  arrived(activationId: string): void;
}

export interface ExpectedRecord {
  readonly task: Pick<Task, 'activationId' | 'namespace'>;
  readonly visible: Milestone;
}

/** The longest that a sandbox that keeps its log streams open can delay a list. */
const settleWaitMs = 2000;
/** Pauses between looks for a record of another server, which gathers records for 25 ms and may have a slow disk. */
const lookAgainMs = [20, 40, 80, 160, 200];
const idLength = 32;

/** What is known of an activation that was accepted and has no record yet. */
type PendingOf = (namespace: string, activationId: string) => Promise<JsonObject | undefined>;

export class Activations implements ActivationService {
  readonly #store: ActivationStore;
  readonly #pendingOf: PendingOf;
  readonly #isAlone: boolean;
  readonly #search: SearchActivations;
  readonly #expected = new Map<string, ExpectedRecord>();

  /** @param isAlone no other server writes records */
  constructor(store: ActivationStore, pendingOf: PendingOf, isAlone: boolean) {
    this.#store = store;
    this.#pendingOf = pendingOf;
    this.#isAlone = isAlone;
    this.#search = createActivationSearch(store);
  }

  async list(query: ActivationSearch & ListRange): Promise<readonly JsonObject[]> {
    return (await this.#briefRows(query)).map(summarise);
  }

  async *records(query: ActivationSearch & ListRange): AsyncGenerator<JsonObject> {
    for (const { namespace, activationId } of await this.#briefRows(query)) {
      const row = await this.#store.get(namespace, activationId);
      if (row !== undefined) yield this.#full(row);
    }
  }

  async count(search: ActivationSearch): Promise<number> {
    await this.#settled((task) => task.namespace === search.namespace);
    return isSearch(search) ? (await this.#search(search)).length : this.#store.count(search);
  }

  async get(namespace: string, activationId: string): Promise<JsonObject> {
    return this.#full(await this.#find(namespace, activationId));
  }

  async result(namespace: string, activationId: string): Promise<JsonValue> {
    const { document } = await this.#find(namespace, activationId);
    return document['response'] ?? {};
  }

  async logs(namespace: string, activationId: string): Promise<readonly string[]> {
    await this.#find(namespace, activationId);
    return (await this.#store.logs(namespace, activationId)) ?? [];
  }

  pending(namespace: string, activationId: string): Promise<JsonObject | undefined> {
    return this.#pendingOf(namespace, activationId);
  }

  async input(namespace: string, activationId: string): Promise<JsonValue> {
    checkActivationId(activationId);
    const input = await this.#store.input(namespace, activationId);
    if (input === undefined) throw notFound();
    return input;
  }

  expect(record: ExpectedRecord): void {
    this.#expected.set(record.task.activationId, record);
  }

  arrived(activationId: string): void {
    this.#expected.delete(activationId);
  }

  async #settled(isMeant: (task: ExpectedRecord['task']) => boolean): Promise<void> {
    if (this.#expected.size === 0) return;
    const meant = [...this.#expected.values()].filter(({ task }) => isMeant(task));
    if (meant.length === 0) return;
    const all = Promise.all(meant.map(({ visible }) => visible.reached()));
    await withTimeout(all, settleWaitMs, () => undefined);
  }

  async #find(namespace: string, activationId: string): Promise<ActivationRow> {
    checkActivationId(activationId);
    await this.#settled((task) => task.activationId === activationId);
    const row = await this.#store.get(namespace, activationId);
    const found = row ?? (await this.#fromElsewhere(namespace, activationId));
    if (found === undefined) throw notFound();
    return found;
  }

  /** Waits for ids that never existed, too, because an id does not tell its age. */
  async #fromElsewhere(namespace: string, activationId: string): Promise<ActivationRow | undefined> {
    if (this.#isAlone) return undefined;
    for (const pauseMs of lookAgainMs) {
      if ((await this.#pendingOf(namespace, activationId)) !== undefined) return undefined;
      await sleep(pauseMs);
      const row = await this.#store.get(namespace, activationId);
      if (row !== undefined) return row;
    }
    return undefined;
  }

  async #briefRows(query: ActivationSearch & ListRange): Promise<readonly ActivationRow[]> {
    await this.#settled((task) => task.namespace === query.namespace);
    if (!isSearch(query)) return this.#store.list({ ...query, brief: true });
    const { skip, limit, ...search } = query;
    const ids = (await this.#search(search)).slice(skip, skip + limit);
    const rows = await this.#store.briefs(query.namespace, ids);
    return ids.flatMap((id) => rows.find(({ activationId }) => activationId === id) ?? []);
  }

  async #full(row: ActivationRow): Promise<JsonObject> {
    const logs = await this.#store.logs(row.namespace, row.activationId);
    return { ...row.document, logs: logs ?? [] };
  }
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
