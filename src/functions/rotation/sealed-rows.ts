/**
 * The rows of the store that hold encrypted values: settings of namespaces, parameters of entities, state of feeds, dead
 * letters, certificates and their accounts. Rewriting the row of an entity here keeps its revision, because its content
 * stays the same: a warm sandbox stays warm, and a writer that has read the row before still succeeds.
 */
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import type { AcmeRow, LeasedWrites, Store } from '../../store/index.ts';
import { webhookProvider } from '../feeds/webhook.ts';
import { forwardingPlace } from '../log-forwarding/stored-destination.ts';
import { systemNamespace } from '../namespaces/namespaces.ts';

export type SealedStore = Pick<
  Store,
  'namespaces' | 'entities' | 'feeds' | 'deliveries' | 'apis' | 'accepted' | 'acme'
>;

/** How rows are written: by the store itself, or under a lease. */
export type SealedWrites = Pick<LeasedWrites, 'namespaces' | 'entities' | 'feeds' | 'deliveries' | 'acme'>;

export interface SealedRow {
  /** The place that the vault binds its values to. */
  readonly place: string;
  /** The document belongs to an entity with parameters. */
  readonly hasParameters: boolean;
  readonly document: JsonObject;
  /** False if another write won. @throws Fault STORE_LEASE_LOST */
  rewrite(document: JsonObject): Promise<boolean>;
}

const pageSize = 100;
const collections = ['packages', 'triggers', 'actions'] as const;

/** Yields every row. One that is written in the meantime may come twice, or be missed. */
export async function* sealedRows(
  store: SealedStore,
  writes: SealedWrites = store,
): AsyncGenerator<SealedRow> {
  for (const { name: namespace, settings } of await store.namespaces.list()) {
    yield {
      place: forwardingPlace(namespace),
      hasParameters: false,
      document: settings,
      rewrite: (document) => writes.namespaces.putSettings(namespace, document, settings),
    };
    for (const collection of collections) yield* entityRows(store, writes, namespace, collection);
    yield* deadLetterRows(store, writes, namespace);
  }
  // Proofs soon disappear.
  for (const kind of ['account', 'certificate'] as const) yield* acmeRows(store, writes, kind);
}

/** The place that the vault binds what Ward has with an authority of certificates to. */
export function acmePlace({ kind, name }: Pick<AcmeRow, 'kind' | 'name'>): string {
  return `${systemNamespace}/acme ${kind} ${name}`;
}

async function* acmeRows(
  store: SealedStore,
  writes: SealedWrites,
  kind: AcmeRow['kind'],
): AsyncGenerator<SealedRow> {
  for (const row of await store.acme.list(kind)) {
    yield {
      place: acmePlace(row),
      hasParameters: false,
      document: row.document,
      rewrite: (document) => writes.acme.put({ ...row, document }, row.revision),
    };
  }
}

async function* entityRows(
  store: SealedStore,
  writes: SealedWrites,
  namespace: string,
  collection: (typeof collections)[number],
): AsyncGenerator<SealedRow> {
  for (let skip = 0; ; skip += pageSize) {
    const rows = await store.entities.list({ namespace, collection, skip, limit: pageSize });
    for (const row of rows) {
      yield {
        place: `${namespace}/${row.path}`,
        hasParameters: true,
        document: row.document,
        rewrite: (document) => writes.entities.put({ ...row, document }, row.revision),
      };
      if (collection === 'triggers') yield* feedRow(store, writes, namespace, row.path);
    }
    if (rows.length < pageSize) return;
  }
}

async function* feedRow(
  store: SealedStore,
  writes: SealedWrites,
  namespace: string,
  trigger: string,
): AsyncGenerator<SealedRow> {
  const row = await store.feeds.get(namespace, trigger);
  if (row === undefined) return;
  yield {
    place: `${namespace}/${trigger} ${row.provider === webhookProvider ? 'webhook' : 'feed'}`,
    hasParameters: false,
    document: row.document,
    rewrite: (document) => writes.feeds.put({ ...row, document }, row.revision),
  };
}

async function* deadLetterRows(
  store: SealedStore,
  writes: SealedWrites,
  namespace: string,
): AsyncGenerator<SealedRow> {
  for (let skip = 0; ; skip += pageSize) {
    const rows = await store.deliveries.dead({ namespace, skip, limit: pageSize });
    for (const row of rows) {
      yield {
        place: `${namespace}/${row.rule} ${row.id}`,
        hasParameters: false,
        document: row.document,
        rewrite: (document) => writes.deliveries.update({ ...row, document }, row),
      };
    }
    if (rows.length < pageSize) return;
  }
}

/**
 * Values in queues. They are never rewritten, because they soon disappear, and their key with them. `isPartial` if
 * more wait than were read.
 */
export async function waitingDocuments(
  store: Pick<Store, 'accepted' | 'deliveries'>,
): Promise<{ readonly documents: readonly JsonValue[]; readonly isPartial: boolean }> {
  const accepted = await store.accepted.pending(pageSize);
  const deliveries = await store.deliveries.due(Number.MAX_SAFE_INTEGER, pageSize);
  return {
    documents: [...accepted.map(({ job }) => job), ...deliveries.map(({ document }) => document)],
    isPartial: accepted.length === pageSize || deliveries.length === pageSize,
  };
}
