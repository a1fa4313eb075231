/**
 * Finds activations by what no index knows: their error, or how long they took. It looks through the newest ones that fit
 * the rest of the filter, within bounds. Each namespace searches once at a time, and all together twice, so that searches
 * delay each other and not the calls.
 */
import { KeyedLock, Turns } from '../../lib/index.ts';
import type { ActivationFilter, ActivationOutcome, ActivationStore } from '../../store/index.ts';
import { withError } from './error-groups.ts';

export interface ActivationSearch extends ActivationFilter {
  /** Of their error, as in `ErrorGroup`. */
  readonly fingerprint?: string;
  /** They took at least this long from start to end, in milliseconds. */
  readonly atLeastMs?: number;
}

/** The ids of those found, the newest first. */
export type SearchActivations = (search: ActivationSearch) => Promise<readonly string[]>;

/** Of those that succeeded or failed; a search by error has the bounds of the groups of errors. */
const mostRead = 10_000;
const mostAtOnce = 2;

export function createActivationSearch(
  store: Pick<ActivationStore, 'get' | 'list' | 'newest'>,
): SearchActivations {
  const turns = new Turns(mostAtOnce);
  const ofNamespace = new KeyedLock();
  return (search) => ofNamespace.run(search.namespace, () => turns.take(() => searchOnce(store, search)));
}

/** No index has what it asks for. */
export function isSearch({ fingerprint, atLeastMs }: ActivationSearch): boolean {
  return (fingerprint ?? atLeastMs) !== undefined;
}

async function searchOnce(
  store: Pick<ActivationStore, 'get' | 'list' | 'newest'>,
  { fingerprint, atLeastMs = 0, ...filter }: ActivationSearch,
): Promise<readonly string[]> {
  const outcomes: readonly ActivationOutcome[] =
    fingerprint === undefined
      ? await store.newest(filter, mostRead)
      : await withError(store, fingerprint, filter);
  return outcomes
    .filter(({ start, end }) => end !== null && end - start >= atLeastMs)
    .map(({ activationId }) => activationId);
}
