import { createElement, options } from 'preact';
import { expect, test } from 'vitest';
import { showControls, visibleText } from './visible-controls.ts';

test.each([
  ['plain text,\n\tin two lines', 'plain text,\n\tin two lines'],
  ['\u001b[31mred\r', '\\x1b[31mred\\x0d'],
  ['\u202egnp.exe\u2066', '\\u202egnp.exe\\u2066'],
  ['\u0000\u009b', '\\x00\\x9b'],
  ['Grüße 日本語 العربية', 'Grüße 日本語 العربية'],
])('%j becomes %j', (text, shown) => {
  expect(visibleText(text)).toBe(shown);
});

test('changes texts, and leaves properties and what was there before', () => {
  const seen: unknown[] = [];
  options.vnode = (node) => void seen.push(node.type);
  showControls();
  const element = createElement('a', { title: '\u202e' });
  expect(element.props.title).toBe('\u202e');
  const text = { type: null, props: 'a\u202eb' };
  options.vnode?.(text as never);
  expect(text.props).toBe('a\\u202eb');
  expect(seen).toEqual(['a', null]);
});
