/**
 * Texts that were typed and not saved. They are in the storage of this tab, so that they outlast a way to another page, a reload, and a
 * session that ends. They go when they are saved or discarded, and at a logout.
 */
import type { FunctionExec } from './functions.ts';

export interface Draft {
  readonly text: string;
  /** Of a new function; '' otherwise. */
  readonly name: string;
  /** What the text was written for; of a policy, the form of the text. */
  readonly exec: Pick<FunctionExec, 'kind' | 'main'>;
  /** Of the revision that it began with; '' for what is new. */
  readonly tag: string;
  /** When it was typed, in epoch milliseconds. */
  readonly at: number;
}

const prefix = 'ward-draft ';
/** Characters. A browser has room for about five million in all. */
export const longestDraft = 1_000_000;

/** @param what the path of a function; undefined: a new one */
export function draftItem(namespace: string, what: string | undefined): string {
  return `${prefix}${namespace} ${what ?? ''}`;
}

/** Of the gate’s policy. No namespace has such a name. */
export const policyItem = `${prefix}/policy`;

/** @param item of the storage */
export function readDraft(item: string): Draft | undefined {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(item) ?? 'null');
    return isDraft(kept) ? kept : undefined;
  } catch {
    return undefined;
  }
}

/** Takes the place of the earlier one. @returns whether there was room; the earlier one stays otherwise */
export function keepDraft(item: string, draft: Omit<Draft, 'at'>): boolean {
  if (draft.text.length > longestDraft) return false;
  try {
    sessionStorage.setItem(item, JSON.stringify({ ...draft, at: Date.now() }));
    return true;
  } catch {
    return false;
  }
}

/** @param saved only if it has this text */
export function forgetDraft(item: string, saved?: string): void {
  if (saved === undefined || readDraft(item)?.text === saved) sessionStorage.removeItem(item);
}

/** Of all namespaces. */
export function forgetAllDrafts(): void {
  for (const item of draftItems()) sessionStorage.removeItem(item);
}

/** Whether closing this tab would lose a text. */
export function hasDrafts(): boolean {
  return draftItems().length > 0;
}

function draftItems(): readonly string[] {
  return Object.keys(sessionStorage).filter((item) => item.startsWith(prefix));
}

/** An earlier version may have written the storage. */
function isDraft(value: unknown): value is Draft {
  if (typeof value !== 'object' || value === null) return false;
  const exec: unknown = Reflect.get(value, 'exec');
  return (
    ['text', 'name', 'tag'].every((field) => typeof Reflect.get(value, field) === 'string') &&
    typeof Reflect.get(value, 'at') === 'number' &&
    typeof exec === 'object' &&
    exec !== null &&
    typeof Reflect.get(exec, 'kind') === 'string'
  );
}
