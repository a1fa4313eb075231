import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findTrouble } from './json-text.ts';

const limits = { depth: 100, keys: 1000, values: 1000 };

describe('a JSON text', () => {
  it('is valid when a serializer made it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        expect(findTrouble(JSON.stringify(value), limits)).toBeUndefined();
      }),
    );
  });

  it('is refused when an object has a key twice', () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { minKeys: 1 });
    fc.assert(
      fc.property(object, fc.nat(), (value, at) => {
        const [key = ''] = Object.keys(value).slice(at % Object.keys(value).length);
        const twice = `[1,{"outer":${JSON.stringify(value).replace(/}$/, () => `,${JSON.stringify(key)}:[]}`)}}]`;
        expect(findTrouble(twice, limits)).toContain('twice');
      }),
    );
  });

  it.each([
    ['{"a":1,"a":2}', 'it has the key "a" twice'],
    ['{"a":1,"\\u0061":2}', 'it has the key "a" twice'],
    ['{"a":{"a":1},"b":{"a":1}}', undefined],
    ['{"a":["a","a"],"b":"a,a"}', undefined],
    ['[{"a":1},{"a":1}]', undefined],
    ['{"a\\"":1,"a":2}', undefined],
    ['{"a":"\\\\","b":1,"b":2}', 'it has the key "b" twice'],
    ['{"__proto__":1,"__proto__":2}', 'it has the key "__proto__" twice'],
    ['[[[', undefined],
    ['"', undefined],
    ['{"a\\', undefined],
    ['{"\\x":1}', undefined],
  ])('%s: %s', (json, expected) => {
    expect(findTrouble(json, limits)).toBe(expected);
  });

  it('has limits on levels, keys and values', () => {
    expect(findTrouble('[[[1]]]', { ...limits, depth: 2 })).toBe('it nests deeper than 2 levels');
    expect(findTrouble('{"a":1,"b":{"c":1}}', { ...limits, keys: 2 })).toBe('it has more than 2 keys');
    expect(findTrouble('[1,2,3]', { ...limits, values: 1 })).toBe('it has more than 1 values');
  });
});
