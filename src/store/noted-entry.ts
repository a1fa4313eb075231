/** The text of an entry of the audit log. Apart from the query builder, which some users of the room do not load. */
import { currentActor, type JsonObject, newId } from '../lib/index.ts';
import { createChangeRate } from './change-rate.ts';
import type { NotedChange } from './types/unsealed.ts';

/** Of this process. */
const rate = createChangeRate();

const watchers = new Set<() => void>();

/** Calls `watcher` when this process has noted something, in a transaction that may still be open. */
export function watchNoted(watcher: () => void): Disposable {
  watchers.add(watcher);
  return { [Symbol.dispose]: () => void watchers.delete(watcher) };
}

/** The row of an entry: its id, and its text. @throws Fault CHANGES_EXCEEDED */
export function entryOf(change: NotedChange): { readonly id: string; readonly entry: string } {
  const { what, name, namespace, before, after, summary } = change;
  const { who, from, request } = currentActor();
  // Operators and Ward itself are not held back.
  if (namespace !== undefined && who.startsWith(`${namespace} `)) rate.take(namespace);
  const id = newId();
  const time = new Date().toISOString();
  const entry: JsonObject = {
    ...{ id, time, event: what, actor: who, from, request },
    ...{ name, namespace, before, after, summary },
  };
  for (const watcher of watchers) watcher();
  return { id, entry: JSON.stringify(entry) };
}
