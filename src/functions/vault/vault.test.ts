import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../../lib/index.ts';
import type { Parameter } from '../entities/key-values.ts';
import { createVault, sealingKeyOf, type VaultKey } from './vault.ts';

const key = (id: string): VaultKey => ({ id, secret: randomBytes(32) });
const one = key('one');
const vault = createVault(() => [one]);
const corrupt = expect.objectContaining({ code: 'STORED_ENTITY_CORRUPT' });
const place = 'guest/p/a';

const parameters: readonly Parameter[] = [
  { key: 'text', value: 's3cret' },
  { key: 'INIT', value: { a: [1, null] }, init: true },
  { key: '__proto__', value: 'p' },
  { key: 'unset', value: null },
  { key: 'umlaut', value: 'ä\u{1f600}' },
  { key: 'none', value: '' },
  { key: 'no', value: false },
];

/** The entries of sealed parameters. */
function entriesOf(stored: JsonValue): Record<string, JsonValue>[] {
  return Array.isArray(stored) ? stored : [];
}

describe('parameters', () => {
  test('come back unchanged', () => {
    expect(vault.openParameters(vault.sealParameters(parameters, place), place)).toEqual(parameters);
  });

  test('are stored with readable names and encrypted values', () => {
    const text = JSON.stringify(vault.sealParameters(parameters, place));
    expect(text).toContain('"key":"text"');
    expect(text).toContain('{"key":"unset","value":null}');
    expect(text).not.toContain('s3cret');
    expect(text).not.toContain(Buffer.from('s3cret').toString('base64url').slice(0, 7));
  });

  test('are sealed differently each time', () => {
    expect(vault.sealParameters(parameters, place)).not.toEqual(vault.sealParameters(parameters, place));
  });

  test('of a database from before encryption are read unchanged', () => {
    const before = [
      { key: 'a', value: 'w1:one:looks-sealed' },
      { key: 'b', value: { c: 1 }, init: true },
    ];
    expect(vault.openParameters(before, place)).toEqual(before);
  });

  test.each<[string, string, (entries: Record<string, JsonValue>[]) => JsonValue]>([
    ['another entity', 'guest/a', (entries) => entries],
    ['another namespace', 'other/p/a', (entries) => entries],
    ['another parameter', place, ([first, ...rest]) => [{ ...first, key: 'other' }, ...rest]],
    ['the environment', place, ([first, ...rest]) => [{ ...first, init: true }, ...rest]],
    ['the arguments', place, ([, second]) => [{ key: 'INIT', sealed: second?.['sealed'] ?? '' }]],
  ])('that were moved to %s cannot be decrypted', (_where, other, move) => {
    const stored = entriesOf(vault.sealParameters(parameters, place));
    expect(() => vault.openParameters(move(stored), other)).toThrow(corrupt);
  });

  test.each<[JsonValue]>([
    [null],
    [{}],
    ['w1:one:AAAA'],
    [[1]],
    [[{}]],
    [[{ key: 'a' }]],
    [[{ key: 1, value: 1 }]],
    [[{ key: 'a', value: 1, init: 1 }]],
    [[{ key: 'a', sealed: 1 }]],
    [[{ key: 'a', sealed: '' }]],
    [[{ key: 'a', sealed: 'w1:one:' }]],
    [[{ key: 'a', sealed: 'w1:one:AAAA' }]],
    [[{ key: 'a', sealed: `w2:one:${'A'.repeat(60)}` }]],
    [[{ key: 'a', sealed: `w1:one:${'A'.repeat(60)}` }]],
  ])('%j are corrupt', (stored) => {
    expect(() => vault.openParameters(stored, place)).toThrow(corrupt);
  });
});

describe('a sealed value', () => {
  test.each<[JsonValue]>([[null], ['s3cret'], [0], [{ a: { b: [] } }], ['x'.repeat(1024 * 1024)]])(
    'can be decrypted where it belongs (%#)',
    (value) => {
      const sealed = vault.seal(value, place);
      expect(sealed).toMatch(/^w1:one:[\w-]+$/);
      expect(vault.open(sealed, place)).toEqual(value);
      expect(() => vault.open(sealed, 'guest/p/b')).toThrow(corrupt);
    },
  );

  test('never shares a nonce with another', () => {
    const heads = Array.from({ length: 2000 }, () => {
      const data = vault.seal(1, place).slice('w1:one:'.length);
      return Buffer.from(data, 'base64url').subarray(0, 12).toString('hex');
    });
    expect(new Set(heads).size).toBe(heads.length);
  });

  test('cannot be decrypted if a single bit was changed', () => {
    const sealed = vault.seal('s3cret', place);
    const head = 'w1:one:'.length;
    const bytes = Buffer.from(sealed.slice(head), 'base64url');
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(() => vault.open(`w1:one:${changed.toString('base64url')}`, place)).toThrow(corrupt);
    }
    for (let end = head; end < sealed.length - 1; end++) {
      expect(() => vault.open(sealed.slice(0, end), place)).toThrow(corrupt);
    }
  });

  test('is not accepted as a parameter, nor a parameter as a sealed value', () => {
    const [entry] = entriesOf(vault.sealParameters([{ key: 'a', value: 1 }], place));
    const sealed = entry?.['sealed'];
    expect(() => vault.open(typeof sealed === 'string' ? sealed : '', place)).toThrow(corrupt);
    expect(() => vault.openParameters([{ key: 'a', sealed: vault.seal(1, place) }], place)).toThrow(corrupt);
  });

  test('reveals nothing of its content if it cannot be decrypted', () => {
    const other = createVault(() => [{ id: 'one', secret: randomBytes(32) }]);
    try {
      other.open(vault.seal('s3cret', place), place);
      expect.unreachable();
    } catch (error) {
      expect(error).toEqual(corrupt);
      expect(error).not.toHaveProperty('cause');
    }
  });
});

describe('several keys', () => {
  const two = key('two');

  test('all decrypt, and the first one encrypts', () => {
    const old = vault.seal('before', place);
    const rotated = createVault(() => [two, one]);
    expect(rotated.open(old, place)).toBe('before');
    const fresh = rotated.seal('after', place);
    expect([sealingKeyOf(old), sealingKeyOf(fresh)]).toEqual(['one', 'two']);
    expect(() => vault.open(fresh, place)).toThrow(
      expect.objectContaining({
        code: 'VAULT_KEY_MISSING',
        message: "the key 'two', which decrypts guest/p/a, is missing",
        hint: expect.stringContaining('WARD_PARAMETER_KEYS'),
      }),
    );
  });

  test('are loaded again for a value under an unknown key', () => {
    const sealed = createVault(() => [two]).seal('after', place);
    const reader = createVault((lately) => (lately === undefined ? [one] : [two, one]));
    expect(reader.open(sealed, place)).toBe('after');
  });
});

test.each([
  '',
  'w1:one',
  'w1::AAAA',
  'w2:one:AAAA',
  'w1:o ne:AAAA',
  `w1:${'x'.repeat(33)}:AAAA`,
  'w1:one:A+A',
])('%j is not a sealed text', (text) => {
  expect(sealingKeyOf(text)).toBeUndefined();
});
