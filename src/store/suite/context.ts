/** Shared by the parts of the store's test suite: a place for a store, and rows for it. */
import { randomUUID } from 'node:crypto';
import { newActivationId, randomHex } from '../../lib/index.ts';
import type { AcceptedInsert } from '../types/accepted.ts';
import type { ActivationRow, ActivationWrite } from '../types/activations.ts';
import type { ApiRow } from '../types/apis.ts';
import type { DeliveryRow } from '../types/deliveries.ts';
import type { DomainRow } from '../types/domains.ts';
import type { EntityRow } from '../types/entities.ts';
import type { FeedRow } from '../types/feeds.ts';
import type { KeyRow } from '../types/keys.ts';
import type { NamespaceRow } from '../types/namespaces.ts';
import type { Store } from '../types/store.ts';

/** A place for one database, empty at first. Several stores can be open on it at a time. */
export interface StorePlace {
  open(): Promise<Store>;
  /** Removes it; every store on it is closed by then. */
  dispose(): Promise<void>;
}

export interface Context {
  store(): Store;
  place(): StorePlace;
  reopen(): Promise<void>;
}

export function namespaceRow(name: string): NamespaceRow {
  return {
    name,
    keyId: randomUUID(),
    keyHash: randomHex(32),
    limits: { concurrent: 5 },
    settings: { inputs: true },
    createdAt: 1_000,
  };
}

export function keyRow(more: Partial<KeyRow> = {}): KeyRow {
  return {
    keyId: randomUUID(),
    namespace: 'guest',
    keyHash: randomHex(32),
    scope: 'invoke',
    label: 'from the ü shop',
    createdAt: 1_000,
    expiresAt: null,
    person: null,
    maker: null,
    ...more,
  };
}

export function entityRow(path: string, more: Partial<EntityRow> = {}): EntityRow {
  return {
    namespace: 'guest',
    path,
    collection: 'actions',
    revision: randomHex(8),
    updatedAt: 1_000,
    codeDigest: null,
    link: null,
    shared: false,
    document: { path },
    ...more,
  };
}

export function feedRow(trigger: string, more: Partial<FeedRow> = {}): FeedRow {
  return {
    namespace: 'guest',
    trigger,
    provider: 'alarms/interval',
    revision: randomHex(8),
    token: null,
    dueAt: null,
    document: { trigger },
    ...more,
  };
}

export function deliveryRow(more: Partial<DeliveryRow> = {}): DeliveryRow {
  return {
    id: randomHex(16),
    namespace: 'guest',
    rule: 'on-order',
    state: 'waiting',
    attempt: 1,
    createdAt: 1_000,
    dueAt: 2_000,
    document: { order: 7 },
    ...more,
  };
}

export function apiRow(basePath: string, more: Partial<ApiRow> = {}): ApiRow {
  return {
    namespace: 'guest',
    basePath,
    revision: randomHex(8),
    updatedAt: 1_000,
    document: { basePath },
    ...more,
  };
}

export function domainRow(name: string, more: Partial<DomainRow> = {}): DomainRow {
  return {
    namespace: 'guest',
    name,
    token: randomHex(16),
    target: { kind: 'package', package: 'shop' },
    createdAt: 1_000,
    provedAt: null,
    ...more,
  };
}

export function activationRow(more: Partial<ActivationRow> = {}): ActivationRow {
  return {
    activationId: newActivationId(),
    namespace: 'guest',
    name: 'hello',
    path: 'hello',
    start: 1_700_000_000_000,
    end: 1_700_000_000_005,
    statusCode: 0,
    document: { version: '0.0.1', response: { status: 'success', result: { greeting: 'hi' } } },
    ...more,
  };
}

/** The write whose row a read returns as `row`. */
export function write(
  { document, ...row }: ActivationRow,
  more: Partial<ActivationWrite> = {},
): ActivationWrite {
  const { response, ...rest } = document;
  const documentJson = JSON.stringify(rest);
  const responseJson = response === undefined ? null : JSON.stringify(response);
  const usage = { mibMs: 0, isCold: false, sentBytes: 0, receivedBytes: 0 };
  return { row: { ...row, documentJson, responseJson, usage }, logs: [], settles: null, ...more };
}

/** In the order of their UTF-8 bytes, which no language uses and which differs from the UTF-16 order. */
export const namesInOrder = [
  '-a',
  '10',
  '9',
  'A',
  'B',
  '_a',
  'a',
  'a b',
  'a-b',
  'ab',
  'Ä',
  'ä',
  '\uffee',
  '🦊',
];

/** Shuffles, so that a list can't get its order from the writes. */
export function scattered<T>(items: readonly T[]): T[] {
  return items.map((_, at) => items[(at * 5) % items.length]).filter((item) => item !== undefined);
}

export const all = { namespace: 'guest', skip: 0, limit: 200 };

/** Owned by the node `a`. */
export async function accept(
  store: Pick<Store, 'accepted'>,
  namespace: string,
  acceptedAt = 1_000,
  more: Partial<AcceptedInsert> = {},
): Promise<string> {
  const activationId = newActivationId();
  await store.accepted.accept({
    activationId,
    namespace,
    acceptedAt,
    owner: 'a',
    codeDigest: null,
    job: { args: ['ü', 1] },
    ...more,
  });
  return activationId;
}
