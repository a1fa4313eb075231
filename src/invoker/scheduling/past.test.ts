import { expect, it } from 'vitest';
import { createPasts } from './past.ts';

it('the pasts that were set last are remembered, and no more than there may be', () => {
  const pasts = createPasts(2);
  pasts.set('a', 'failed');
  pasts.set('b', 'given up');
  pasts.set('a', 'given up');
  pasts.set('c', 'failed');
  expect(['a', 'b', 'c'].map((key) => pasts.get(key))).toEqual(['given up', undefined, 'failed']);
});
