import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { EntityRow } from '../../store/index.ts';
import { parseDocument, plainRefOfRow, refOfRow } from './entity-row.ts';

const row: EntityRow = {
  namespace: 'guest',
  path: 'a',
  collection: 'actions',
  revision: 'r',
  updatedAt: 1,
  codeDigest: null,
  link: null,
  shared: false,
  document: { version: '0.0.1' },
};
const corrupt = expect.objectContaining({ code: 'STORED_ENTITY_CORRUPT', kind: 'host' });

describe('rows of entities', () => {
  test('say where the entity is', () => {
    expect(refOfRow(row)).toEqual({ namespace: 'guest', package: undefined, name: 'a' });
    expect(refOfRow({ ...row, path: 'p/a' })).toEqual({ namespace: 'guest', package: 'p', name: 'a' });
    expect(plainRefOfRow(row)).toEqual({ namespace: 'guest', name: 'a' });
  });

  test.each(['', '/', 'p/', '/a', 'p/q/a', '../a', ' a'])('with the path %j are corrupt', (path) => {
    expect(() => refOfRow({ ...row, path })).toThrow(corrupt);
  });

  test('of an impossible namespace, or in a package where none is allowed, are corrupt', () => {
    expect(() => refOfRow({ ...row, namespace: '_' })).toThrow(corrupt);
    expect(() => plainRefOfRow({ ...row, path: 'p/a' })).toThrow(corrupt);
  });

  test('with a malformed document are corrupt', () => {
    expect(parseDocument(row, z.object({ version: z.string() }))).toEqual({ version: '0.0.1' });
    expect(() => parseDocument(row, z.object({ version: z.number() }))).toThrow(corrupt);
  });
});
