/**
 * Groups the failed activations by their error, so that the same error is one entry however often it came. Texts that differ
 * only in numbers and ids are the same. There is no index: a search reads records, the newest first, within bounds of its own.
 */
import { createHash } from 'node:crypto';
import { isJsonObject, type JsonValue, KeyedLock, Turns } from '../../lib/index.ts';
import type {
  ActivationFilter,
  ActivationOutcome,
  ActivationRow,
  ActivationStore,
} from '../../store/index.ts';
import type { SearchBounds } from './log-search.ts';

export interface ErrorGroup {
  readonly fingerprint: string;
  /** `[pkg/]name`. */
  readonly action: string;
  readonly statusCode: number;
  /** The error of the newest one; at most 300 characters. */
  readonly error: string;
  readonly count: number;
  /** Start of the oldest and the newest one that was read; epoch milliseconds. */
  readonly first: number;
  readonly last: number;
  /** The newest ones, at most 100. */
  readonly activationIds: readonly string[];
}

export interface ErrorGroups {
  /** The most frequent first. */
  readonly groups: readonly ErrorGroup[];
  /** Number of failed activations that were read. */
  readonly read: number;
  /** There are older ones that were not read. */
  readonly isCut: boolean;
}

const defaultBounds: SearchBounds = { records: 1_000, bytes: 32 * 1024 * 1024, ms: 2_000 };
const pageSize = 100;
const mostIds = 100;
const longestError = 300;
const mostAtOnce = 2;

export type GroupErrors = (filter: Omit<ActivationFilter, 'failed'>) => Promise<ErrorGroups>;

export function createErrorGroups(
  store: Pick<ActivationStore, 'get' | 'list'>,
  bounds: SearchBounds = defaultBounds,
): GroupErrors {
  const turns = new Turns(mostAtOnce);
  const ofNamespace = new KeyedLock();
  return (filter) =>
    ofNamespace.run(filter.namespace, () => turns.take(() => groupOnce(store, filter, bounds)));
}

/** The failed activations with an error, the newest first, of those that a group is made of. */
export async function withError(
  store: Pick<ActivationStore, 'get' | 'list'>,
  fingerprint: string,
  filter: Omit<ActivationFilter, 'failed'>,
): Promise<readonly ActivationOutcome[]> {
  const found: ActivationOutcome[] = [];
  await readFailures(store, filter, defaultBounds, (row, text) => {
    const { activationId, start, end, statusCode } = row;
    if (fingerprintOf(row, text) === fingerprint) found.push({ activationId, start, end, statusCode });
  });
  return found;
}

/** The error of a failed activation, as that of its group. */
export function errorOf(row: ActivationRow): Pick<ErrorGroup, 'fingerprint' | 'error'> {
  const text = textOf(row);
  return { fingerprint: fingerprintOf(row, text), error: text.slice(0, longestError) };
}

async function groupOnce(
  store: Pick<ActivationStore, 'get' | 'list'>,
  filter: Omit<ActivationFilter, 'failed'>,
  bounds: SearchBounds,
): Promise<ErrorGroups> {
  const found = new Map<string, ErrorGroup>();
  const { read, isCut } = await readFailures(store, filter, bounds, (row, text) => addTo(found, row, text));
  return {
    groups: [...found.values()].sort((a, b) => b.count - a.count || b.last - a.last),
    ...{ read, isCut },
  };
}

async function readFailures(
  store: Pick<ActivationStore, 'get' | 'list'>,
  filter: Omit<ActivationFilter, 'failed'>,
  bounds: SearchBounds,
  onRead: (row: ActivationRow, text: string) => void,
): Promise<Pick<ErrorGroups, 'read' | 'isCut'>> {
  const endsAt = performance.now() + bounds.ms;
  // Records that arrive meanwhile must not move the pages.
  const upto = filter.upto ?? Date.now();
  let [read, bytes] = [0, 0];
  for (let skip = 0; ; skip += pageSize) {
    const rows = await store.list({ ...filter, upto, failed: true, brief: true, skip, limit: pageSize });
    for (const { namespace, activationId } of rows) {
      if (read >= bounds.records || bytes >= bounds.bytes || performance.now() >= endsAt)
        return { read, isCut: true };
      // One at a time: a page of large results would take much memory.
      const row = await store.get(namespace, activationId);
      if (row === undefined) continue;
      const text = textOf(row);
      read++;
      bytes += text.length;
      onRead(row, text);
    }
    if (rows.length < pageSize) return { read, isCut: false };
  }
}

function addTo(found: Map<string, ErrorGroup>, row: ActivationRow, text: string): void {
  const { activationId, path: action, statusCode, start } = row;
  const fingerprint = fingerprintOf(row, text);
  const known = found.get(fingerprint);
  found.set(fingerprint, {
    ...{ fingerprint, action, statusCode },
    error: known?.error ?? text.slice(0, longestError),
    count: (known?.count ?? 0) + 1,
    first: start,
    last: known?.last ?? start,
    activationIds: [...(known?.activationIds ?? []), activationId].slice(0, mostIds),
  });
}

function textOf({ document }: ActivationRow): string {
  const response = isJsonObject(document['response']) ? document['response'] : {};
  const result = response['result'];
  const error: JsonValue | undefined = isJsonObject(result) ? (result['error'] ?? result) : result;
  return typeof error === 'string' ? error : JSON.stringify(error ?? null);
}

/** The first line, without what differs from one call to the next. */
function commonText(text: string): string {
  const [line = ''] = text.slice(0, 4 * longestError).split('\n', 1);
  return line
    .slice(0, longestError)
    .replaceAll(/\b[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b/gi, '#')
    .replaceAll(/\d+(?:\.\d+)*/g, '#');
}

function fingerprintOf({ path, statusCode }: ActivationRow, text: string): string {
  const parts = [path, String(statusCode), commonText(text)];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
