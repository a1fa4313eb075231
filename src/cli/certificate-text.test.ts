import { expect, test } from 'vitest';
import { certificateState, certificateText } from './certificate-text.ts';
import { timeText } from './entity-fields.ts';

const hourMs = 3_600_000;
const view = {
  ...{ name: 'a.example', until: Date.now() + hourMs, triedAt: null, failures: 0 },
  ...{ error: null, hint: null, isUrgent: false },
};

test('a certificate is told by its end, the last attempt and what to do; texts of an authority are shown as text', () => {
  expect(certificateText(view)).toBe(`a.example: until ${timeText(view.until)}`);
  const failed = { ...view, until: null, triedAt: 1000, failures: 2, error: 'no\u001b[2J', hint: 'wait' };
  const text = certificateText(failed);
  expect(text).toMatch(/^a\.example: none that can be used; last tried at .*; 2 × no.*; wait$/);
  expect(text).not.toContain('\u001b');
});

test.each([
  ['valid', {}],
  ['failing', { error: 'no' }],
  ['ending', { isUrgent: true }],
  ['expired', { isUrgent: true, until: Date.now() - hourMs }],
  ['missing', { isUrgent: true, until: null }],
])('is %s', (state, change) => {
  expect(certificateState({ ...view, ...change })).toBe(state);
});
