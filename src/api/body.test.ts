import { asyncProperty, check, jsonValue, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson, parseLargeJson } from './body.ts';

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

test('reads any JSON as JSON.parse does', () => {
  const values = property(jsonValue(), (value) => {
    const text = JSON.stringify(value);
    expect(parseJson(Buffer.from(text))).toEqual(JSON.parse(text));
  });
  expect(check(values).failed).toBe(false);
});

test('brackets in strings do not nest, whatever else is in them', () => {
  const texts = property(string({ unit: 'binary', maxLength: 300 }), (text) => {
    const value = { a: `${text}${'['.repeat(600)}${text}"\\"${'{'.repeat(600)}\\\\`, b: [text] };
    expect(parseJson(Buffer.from(JSON.stringify(value)))).toEqual(JSON.parse(JSON.stringify(value)));
  });
  expect(check(texts).failed).toBe(false);
});

describe('nesting', () => {
  test('of 500 levels is read', () => {
    expect(parseJson(Buffer.from(nested(500)))).toBeInstanceOf(Array);
  });

  test.each([nested(501), '{"a":'.repeat(501), `"${'x'.repeat(99)}\\"]]]",${'['.repeat(501)}`])(
    'of more is refused before it is parsed',
    async (text) => {
      const message = 'it nests deeper than 500 levels';
      expect(() => parseJson(Buffer.from(text))).toThrow(message);
      await expect(parseLargeJson(Buffer.from(text))).rejects.toThrow(message);
    },
  );
});

describe('values', () => {
  const lists = (count: number) => Buffer.from(`[${'[],'.repeat(count)}[]]`);

  test('of a payload of a mebibyte, be they digits, are read', () => {
    const payload = Buffer.from(`[${'0,'.repeat(2 ** 19 - 2)}0]`);
    expect(parseJson(payload)).toHaveLength(2 ** 19 - 1);
  });

  test.each([600_000, 20_000_000])(
    'more than a million are refused before they are parsed: %d',
    async (count) => {
      const message = 'it has more than 1000000 values';
      expect(() => parseJson(lists(count))).toThrow(message);
      await expect(parseLargeJson(lists(count))).rejects.toThrow(message);
    },
  );

  test('are not counted in strings', () => {
    const text = '[,{'.repeat(1_000_000);
    expect(parseJson(Buffer.from(JSON.stringify([text])))).toEqual([text]);
  });
});

describe('a body of several slices', () => {
  test('is read wherever a slice ends, even within an escape', async () => {
    const shifts = Array.from({ length: 4 }, (_, i) => i);
    for (const shift of shifts) {
      const value = { pad: 'x'.repeat(shift), text: '\\"[{'.repeat(1_100_000) };
      expect(await parseLargeJson(Buffer.from(JSON.stringify(value)))).toEqual(value);
    }
  });

  test('is refused when a later one nests too deeply', async () => {
    const body = Buffer.from(`["${'x'.repeat(5_000_000)}",${nested(500)}]`);
    await expect(parseLargeJson(body)).rejects.toThrow('nests deeper');
  });

  test('reads what a small one reads', async () => {
    const values = asyncProperty(jsonValue(), async (value) => {
      const body = Buffer.from(JSON.stringify(value));
      expect(await parseLargeJson(body)).toEqual(parseJson(body));
    });
    expect((await check(values)).failed).toBe(false);
  });
});

test('an empty body counts as no body', () => {
  expect(parseJson(Buffer.alloc(0))).toBeUndefined();
});
