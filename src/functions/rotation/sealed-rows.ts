/**
 * Where the store keeps what is encrypted: parameters of entities, state of feeds, dead letters. Rows that are
 * rewritten here keep their revision, because they say what they said before: a warm sandbox stays warm, and a writer
 * that has read the row before still wins.
 */
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import type { Store } from '../../store/index.ts';
import { webhookProvider } from '../feeds/webhook.ts';

export type SealedStore = Pick<
  Store,
  'namespaces' | 'entities' | 'feeds' | 'deliveries' | 'apis' | 'accepted'
>;

export interface SealedRow {
  /** Place that the vault binds it to. */
  readonly place: string;
  /** The document is an entity's, with parameters. */
  readonly hasParameters: boolean;
  readonly document: JsonObject;
  /** False when another write won. */
  rewrite(document: JsonObject): Promise<boolean>;
}

const pageSize = 100;
const collections = ['packages', 'triggers', 'actions'] as const;

/** Every row there is; one that is written meanwhile may come twice, or be missed. */
export async function* sealedRows(store: SealedStore): AsyncGenerator<SealedRow> {
  for (const { name: namespace } of await store.namespaces.list()) {
    for (const collection of collections) yield* entityRows(store, namespace, collection);
    yield* deadLetterRows(store, namespace);
  }
}

async function* entityRows(
  store: SealedStore,
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
        rewrite: (document) => store.entities.put({ ...row, document }, row.revision),
      };
      if (collection === 'triggers') yield* feedRow(store, namespace, row.path);
    }
    if (rows.length < pageSize) return;
  }
}

async function* feedRow(store: SealedStore, namespace: string, trigger: string): AsyncGenerator<SealedRow> {
  const row = await store.feeds.get(namespace, trigger);
  if (row === undefined) return;
  yield {
    place: `${namespace}/${trigger} ${row.provider === webhookProvider ? 'webhook' : 'feed'}`,
    hasParameters: false,
    document: row.document,
    rewrite: (document) => store.feeds.put({ ...row, document }, row.revision),
  };
}

async function* deadLetterRows(store: SealedStore, namespace: string): AsyncGenerator<SealedRow> {
  for (let skip = 0; ; skip += pageSize) {
    const rows = await store.deliveries.dead({ namespace, skip, limit: pageSize });
    for (const row of rows) {
      yield {
        place: `${namespace}/${row.rule} ${row.id}`,
        hasParameters: false,
        document: row.document,
        rewrite: (document) => store.deliveries.update({ ...row, document }, row.attempt),
      };
    }
    if (rows.length < pageSize) return;
  }
}

/**
 * What waits in queues: it is gone before long, and its key with it, so it is never rewritten. `isPartial` when more
 * waits than was looked at.
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
