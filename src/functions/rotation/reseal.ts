/**
 * Rotation: encrypts with the newest key what is stored under an older key, or unencrypted from before there were
 * keys. It works one row at a time, beside a running server. Only afterwards can an old key be removed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isFault, isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { sealingKeyOf, type Vault } from '../vault/vault.ts';
import {
  type SealedRow,
  type SealedStore,
  type SealedWrites,
  sealedRows,
  waitingDocuments,
} from './sealed-rows.ts';

/** How many values are stored under which key. */
interface VaultSurvey {
  readonly kept: ReadonlyMap<string, number>;
  /** Number of unencrypted parameters. */
  readonly clear: number;
  /** Values in queues, by key: accepted invocations and waiting deliveries. */
  readonly waiting: ReadonlyMap<string, number>;
  /** More values wait than were counted. */
  readonly isPartial: boolean;
}

export interface ResealReport {
  readonly rewritten: number;
  /** Rows with a value that cannot be decrypted. They were left unchanged. */
  readonly unreadable: number;
}

interface Resealed {
  readonly isChanged: boolean;
  readonly isReadable: boolean;
}

/** Concurrent writers may put an older text back, so passes repeat until nothing is found. */
const mostPasses = 10;

export async function surveyVault(store: SealedStore): Promise<VaultSurvey> {
  const kept = new Map<string, number>();
  const waiting = new Map<string, number>();
  let clear = 0;
  for await (const { document, hasParameters } of sealedRows(store)) {
    if (hasParameters) {
      const entries = parametersOf(document).filter(isJsonObject);
      clear += entries.filter(isClear).length;
      count(
        entries.map(({ sealed }) => sealed ?? null),
        kept,
      );
    } else count(document, kept);
  }
  const { documents, isPartial } = await waitingDocuments(store);
  for (const document of documents) count(document, waiting);
  return { kept, clear, waiting, isPartial };
}

/** Counts values that no key can decrypt, by what they belong to. Changes nothing. */
export async function unreadableIn(store: SealedStore, vault: Vault): Promise<ReadonlyMap<string, number>> {
  const unreadable = new Map<string, number>();
  for await (const { document, place, hasParameters } of sealedRows(store)) {
    const opens = (open: () => unknown): boolean => {
      try {
        open();
        return true;
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        return false;
      }
    };
    const failed = hasParameters
      ? parametersOf(document).filter((entry) => !opens(() => vault.openParameters([entry], place))).length
      : sealedTexts(document).filter((text) => !opens(() => vault.open(text, place))).length;
    if (failed > 0) unreadable.set(place, (unreadable.get(place) ?? 0) + failed);
  }
  return unreadable;
}

/**
 * @param newest id of the key with which `vault` encrypts
 * @param writes those of a lease, so that a rotation that slept puts nothing back under an older key
 * @throws Fault STORE_LEASE_LOST
 */
export async function reseal(
  store: SealedStore,
  vault: Vault,
  newest: string,
  writes: SealedWrites = store,
): Promise<ResealReport> {
  let rewritten = 0;
  for (let pass = 1; ; pass++) {
    let inPass = 0;
    let unreadable = 0;
    for await (const row of sealedRows(store, writes)) {
      const startedAt = performance.now();
      const { isChanged, isReadable } = await resealRow(row, vault, newest);
      if (!isReadable) unreadable++;
      if (!isChanged) continue;
      inPass++;
      await sleep(performance.now() - startedAt);
    }
    rewritten += inPass;
    if (inPass === 0 || pass === mostPasses) return { rewritten, unreadable };
  }
}

async function resealRow(row: SealedRow, vault: Vault, newest: string): Promise<Resealed> {
  const { document, place } = row;
  let isReadable = true;
  const tried = <T>(open: () => T, otherwise: T): T => {
    try {
      return open();
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      isReadable = false;
      return otherwise;
    }
  };
  const next = row.hasParameters
    ? tried(() => withParameters(document, place, vault, newest), document)
    : withTexts(document, (text) => tried(() => vault.seal(vault.open(text, place), place), text), newest);
  const isChanged = next !== document && isJsonObject(next);
  if (isChanged) await row.rewrite(next);
  return { isChanged, isReadable };
}

function withParameters(document: JsonObject, place: string, vault: Vault, newest: string): JsonObject {
  const isStale = (entry: JsonValue) =>
    isClear(entry) || (isJsonObject(entry) && isStaleText(entry['sealed'], newest));
  const entries = parametersOf(document);
  if (!entries.some(isStale)) return document;
  return { ...document, parameters: vault.sealParameters(vault.openParameters(entries, place), place) };
}

/** Returns the same value if no text in it is stale. */
function withTexts(value: JsonValue, again: (text: string) => string, newest: string): JsonValue {
  if (typeof value === 'string') return isStaleText(value, newest) ? again(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, each]): [string, JsonValue] => [
    key,
    each === undefined ? null : withTexts(each, again, newest),
  ]);
  if (entries.every(([key, each]) => Reflect.get(value, key) === each)) return value;
  return Array.isArray(value) ? entries.map(([, each]) => each) : Object.fromEntries(entries);
}

function isStaleText(value: JsonValue | undefined, newest: string): boolean {
  const id = typeof value === 'string' ? sealingKeyOf(value) : undefined;
  return id !== undefined && id !== newest;
}

function sealedTexts(value: JsonValue | undefined): readonly string[] {
  if (typeof value === 'string') return sealingKeyOf(value) === undefined ? [] : [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(sealedTexts) : [];
}

function isUnreadable(error: unknown): boolean {
  return isFault(error, 'STORED_ENTITY_CORRUPT') || isFault(error, 'VAULT_KEY_MISSING');
}

function parametersOf({ parameters }: JsonObject): readonly JsonValue[] {
  return Array.isArray(parameters) ? parameters : [];
}

function isClear(entry: JsonValue): boolean {
  if (!isJsonObject(entry)) return false;
  return entry['sealed'] === undefined && entry['value'] !== null && entry['value'] !== undefined;
}

function count(value: JsonValue | undefined, into: Map<string, number>): void {
  if (typeof value === 'string') {
    const id = sealingKeyOf(value);
    if (id !== undefined) into.set(id, (into.get(id) ?? 0) + 1);
  } else if (typeof value === 'object' && value !== null) {
    for (const each of Object.values(value)) count(each, into);
  }
}
