import { describe, expect, test } from 'vitest';
import { splitWebName, webExtensions } from '../../functions/index.ts';
import { parseWebTarget, restOf, splitUrl } from './target.ts';

describe('the extension of a name', () => {
  test.each(
    webExtensions.flatMap((extension) =>
      ['t', 'tt', 't.wxyz', 'tt.json'].map((name) => [`${name}.${extension}`, name, extension] as const),
    ),
  )('%s is %s as %s', (text, name, extension) => {
    expect(splitWebName(text)).toEqual([name, extension]);
  });

  test.each(['t', 'abcdef', 't.wxyz', 't.JSON', 't.json.', 'json'])(
    '%s has none, which means http',
    (text) => {
      expect(splitWebName(text)).toEqual([text, 'http']);
    },
  );
});

describe('a target', () => {
  test.each([
    [['guest', 'default', 'hello'], 'guest', undefined, 'hello', 'http'],
    [['guest', 'default', 'hello.json'], 'guest', undefined, 'hello', 'json'],
    [['guest', 'tools', 'hello.svg'], 'guest', 'tools', 'hello', 'svg'],
    [['guest', 'my%20tools', 'h%40x.text'], 'guest', 'my tools', 'h@x', 'text'],
    [['guest', 'default', 'hello.xyz'], 'guest', undefined, 'hello.xyz', 'http'],
  ])('%j', (segments, namespace, inPackage, name, extension) => {
    expect(parseWebTarget(segments)).toEqual({ action: { namespace, package: inPackage, name }, extension });
  });

  test.each([
    [['guest', 'default']],
    [['_', 'default', 'hello']],
    [['', 'default', 'hello']],
    [['guest', '', 'hello']],
    [['guest', 'default', '.json']],
    [['guest', 'default', '..']],
    [['guest', '..', 'hello']],
    [['guest', 'default', 'a%2Fb']],
    [['guest%2Ftools', 'default', 'hello']],
    [['guest', 'default', 'hello.json%00']],
    [['guest', 'default', 'hello%0d%0a']],
    [['guest', 'default', 'hello%']],
    [['guest', 'default', '%ff']],
    [['guest', 'default', 'x'.repeat(257)]],
  ])('%j is refused', (segments) => {
    expect(() => parseWebTarget(segments)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });
});

describe('a URL', () => {
  test.each([
    ['/web/a/b', ['web', 'a', 'b'], ''],
    ['/web/a?x=%20&y#z', ['web', 'a'], 'x=%20&y'],
    ['/web/a?x?y', ['web', 'a'], 'x?y'],
    ['/a/%2F/../b/', ['a', '%2F', '..', 'b', ''], ''],
    ['http://host:1/web/a?x', ['web', 'a'], 'x'],
    ['/', [''], ''],
  ])('%s', (url, segments, query) => {
    expect(splitUrl(url)).toEqual({ segments, query });
  });

  test.each([
    [[], ''],
    [[''], '/'],
    [['a', '%20b', ''], '/a/%20b/'],
  ])('what follows the action: %j', (segments, rest) => {
    expect(restOf(segments)).toBe(rest);
  });
});
