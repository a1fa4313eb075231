import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { dismiss, messages, report, tell } from './messages.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  messages.value = [];
  vi.useRealTimers();
});

const shown = () => messages.value.map(({ text, error }) => text ?? error);

test('errors stay until they are dismissed, however many messages follow', () => {
  for (let at = 1; at <= 7; at++) report(`error ${at}`);
  for (let at = 1; at <= 7; at++) tell(`news ${at}`);
  const errors = [1, 2, 3, 4, 5, 6, 7].map((at) => `error ${at}`);
  expect(shown()).toEqual([...errors, 'news 3', 'news 4', 'news 5', 'news 6', 'news 7']);
  vi.advanceTimersByTime(60_000);
  expect(shown()).toEqual(errors);
  dismiss(messages.value[0]?.id ?? 0);
  expect(shown()).toEqual(errors.slice(1));
});
