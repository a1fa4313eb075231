import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  draftItem,
  forgetAllDrafts,
  forgetDraft,
  hasDrafts,
  keepDraft,
  longestDraft,
  readDraft,
} from './drafts.ts';

const draft = { text: '// typed', name: '', exec: { kind: 'nodejs:24' }, tag: '"1"' };

/** As a browser has it: its items are its own properties, and its methods are not. */
function storage(room: number): Record<string, string> {
  const methods = {
    getItem: (item: string) => kept[item] ?? null,
    removeItem: (item: string) => void delete kept[item],
    setItem(item: string, text: string) {
      if (text.length > room) throw new Error('QuotaExceededError');
      kept[item] = text;
    },
  };
  const kept: Record<string, string> = Object.create(methods);
  return kept;
}

beforeEach(() => void vi.stubGlobal('sessionStorage', storage(longestDraft * 2)));
afterEach(() => void vi.unstubAllGlobals());

test('a draft is found by its namespace and its function, until it is forgotten', () => {
  const item = draftItem('guest', 'pack/hello');
  expect(hasDrafts()).toBe(false);
  expect(keepDraft(item, draft)).toBe(true);
  expect(readDraft(item)).toMatchObject(draft);
  expect(hasDrafts()).toBe(true);
  for (const other of [
    draftItem('other', 'pack/hello'),
    draftItem('guest', 'hello'),
    draftItem('guest', undefined),
  ])
    expect(readDraft(other)).toBeUndefined();
  forgetDraft(item, 'an earlier text');
  expect(readDraft(item)).toMatchObject(draft);
  forgetDraft(item, draft.text);
  expect(readDraft(item)).toBeUndefined();
});

test('a logout forgets the drafts of all namespaces, and nothing else', () => {
  sessionStorage.setItem('ward-return', '/console/');
  for (const namespace of ['guest', 'other']) keepDraft(draftItem(namespace, undefined), draft);
  forgetAllDrafts();
  expect(hasDrafts()).toBe(false);
  expect(sessionStorage.getItem('ward-return')).toBe('/console/');
});

test('what is too long is not kept, and says so', () => {
  const item = draftItem('guest', 'hello');
  expect(keepDraft(item, { ...draft, text: 'y'.repeat(longestDraft + 1) })).toBe(false);
  vi.stubGlobal('sessionStorage', storage(10));
  expect(keepDraft(item, draft)).toBe(false);
});

test('what something else wrote into the storage is no draft', () => {
  const item = draftItem('guest', 'hello');
  for (const text of [
    '{',
    'null',
    '"text"',
    '{"text":"t"}',
    JSON.stringify({ ...draft, at: 1, exec: null }),
  ]) {
    sessionStorage.setItem(item, text);
    expect(readDraft(item)).toBeUndefined();
  }
});
