import { expect, test } from 'vitest';
import { newActivationId, newId } from './ids.ts';

test('ids are 32 hex digits and never repeat', () => {
  const ids = Array.from({ length: 10_000 }, (_, index) => (index % 2 === 0 ? newId() : newActivationId()));
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set(ids).size).toBe(ids.length);
});
