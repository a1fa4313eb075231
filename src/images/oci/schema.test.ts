import { expect, test } from 'vitest';
import { indexSchema, parseDocument } from './schema.ts';

test('a document with too many values is refused before it is parsed', () => {
  const bytes = Buffer.from(`{"schemaVersion":2,"manifests":[],"x":[${'[],'.repeat(1_000_000)}[]]}`);
  expect(() => parseDocument(indexSchema, bytes, 'the index')).toThrow(
    'the index has more than 200000 values',
  );
});

test('a text that is not JSON is refused', () => {
  expect(() => parseDocument(indexSchema, Buffer.from('{'), 'the index')).toThrow('the index is not JSON');
});
