/**
 * Searches the logs of recorded activations for a text, newest activation first. There is no index: a search reads logs, within
 * bounds of its own, and says where the next one goes on. Each namespace searches once at a time, and all together twice, so
 * that searches delay each other and not the calls.
 */
import { KeyedLock, Turns } from '../../lib/index.ts';
import type { ActivationFilter, ActivationStore } from '../../store/index.ts';

export interface LogSearch extends ActivationFilter {
  /** Every line has it, if it is not empty. Not a pattern. */
  readonly text: string;
  /** Lines after which it ends; those of activations that started in the same millisecond come with them. */
  readonly limit: number;
}

export interface FoundLine {
  readonly activationId: string;
  /** `[pkg/]name`. */
  readonly action: string;
  readonly line: string;
}

export interface FoundLines {
  readonly lines: readonly FoundLine[];
  /** Lines that were left out, because one activation had more than 200 of them. */
  readonly cut: number;
  /** The `upto` of the next search; null: there is nothing more. */
  readonly next: number | null;
}

export interface SearchBounds {
  readonly records: number;
  readonly bytes: number;
  readonly ms: number;
}

const defaultBounds: SearchBounds = { records: 1_000, bytes: 32 * 1024 * 1024, ms: 2_000 };
const pageSize = 100;
const mostOfOne = 200;
const mostAtOnce = 2;

export type SearchLogs = (search: LogSearch) => Promise<FoundLines>;

export function createLogSearch(
  store: Pick<ActivationStore, 'list' | 'logs'>,
  bounds: SearchBounds = defaultBounds,
): SearchLogs {
  const turns = new Turns(mostAtOnce);
  const ofNamespace = new KeyedLock();
  return (search) =>
    ofNamespace.run(search.namespace, () => turns.take(() => searchOnce(store, search, bounds)));
}

async function searchOnce(
  store: Pick<ActivationStore, 'list' | 'logs'>,
  { text, limit, ...filter }: LogSearch,
  bounds: SearchBounds,
): Promise<FoundLines> {
  const endsAt = performance.now() + bounds.ms;
  // Records that arrive meanwhile must not move the pages.
  const upto = filter.upto ?? Date.now();
  const lines: FoundLine[] = [];
  let [cut, records, bytes] = [0, 0, 0];
  let last: number | undefined;
  const isOver = () =>
    lines.length >= limit ||
    records >= bounds.records ||
    bytes >= bounds.bytes ||
    performance.now() >= endsAt;
  for (let skip = 0; ; skip += pageSize) {
    const rows = await store.list({ ...filter, upto, brief: true, skip, limit: pageSize });
    for (const { activationId, namespace, path: action, start } of rows) {
      // The next search begins a millisecond earlier, so this one takes all of this one.
      if (last !== undefined && start !== last && isOver()) return { lines, cut, next: last - 1 };
      last = start;
      records++;
      const all = (await store.logs(namespace, activationId)) ?? [];
      for (const line of all) bytes += line.length;
      const found = all.filter((line) => line.includes(text));
      cut += Math.max(0, found.length - mostOfOne);
      lines.push(...found.slice(0, mostOfOne).map((line) => ({ activationId, action, line })));
    }
    if (rows.length < pageSize) return { lines, cut, next: null };
  }
}
