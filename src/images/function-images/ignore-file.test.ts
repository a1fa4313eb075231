import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIgnoreFile } from './ignore-file.ts';

const verdict = (patterns: string, path: string) => parseIgnoreFile(patterns, '.wardignore').verdict(path);

describe('an ignore file', () => {
  it.each([
    ['node_modules', 'node_modules', true],
    ['node_modules', 'node_modules/a/b.js', true],
    ['node_modules', 'src/node_modules', false],
    ['node_modules', 'node_modules2', false],
    ['/dist/', 'dist/a', true],
    ['./a//b', 'a/b', true],
    ['a/../b', 'b', true],
    ['../a', 'a', false],
    ['*.log', 'a.log', true],
    ['*.log', '.log', true],
    ['*.log', 'b/a.log', false],
    ['*/*.log', 'b/a.log', true],
    ['**/*.log', 'a.log', true],
    ['**/*.log', 'a/b/c.log', true],
    ['**/*.log', 'a/b/c.logs', false],
    ['**/test', 'a/contest', false],
    ['**/test', 'a/test/b', true],
    ['a/**/z', 'a/z', true],
    ['a/**/z', 'a/b/c/z', true],
    ['a/**/z', 'a/b/cz', false],
    ['a/**', 'a/b/c', true],
    ['a/**', 'a', false],
    ['**', 'a/b', true],
    ['**.md', 'a/b.md', true],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['[a-c]x', 'bx', true],
    ['[^a-c]x', 'bx', false],
    ['[!a-c]x', 'dx', true],
    ['[]a]x', ']x', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['temp\\?', 'temp?', true],
    ['é*', 'école', true],
    ['  padded  ', 'padded', true],
    ['# a comment', '# a comment', false],
  ])('%s and %s: %s', (pattern, path, isOut) => {
    expect(verdict(pattern, path)).toBe(isOut ? 'out' : undefined);
  });

  it('obeys the last matching pattern', () => {
    const patterns = '*.env\n!a.env\n\r\n';
    expect(verdict(patterns, 'a.env')).toBe('in');
    expect(verdict(patterns, 'b.env')).toBe('out');
    expect(verdict('!a\na', 'a')).toBe('out');
    expect(verdict(patterns, 'c')).toBeUndefined();
  });

  it('knows whether an ignored folder can contain files that are not ignored', () => {
    expect(parseIgnoreFile('a\n!a/b', 'x').takesBack).toBe(true);
    expect(parseIgnoreFile('a\nb', 'x').takesBack).toBe(false);
  });

  it.each([
    ['a\n[bc', 'line 2: a [ without its ]'],
    ['a\\', 'line 1: a backslash'],
    ['x'.repeat(2000), 'line 1: the pattern is too long'],
    ['a\n'.repeat(257), 'line 257: more than 256 patterns'],
  ])('refuses %j', (text, message) => {
    expect(() => parseIgnoreFile(text, '.wardignore')).toThrow(`.wardignore, ${message}`);
  });

  it('is fast for any pattern', () => {
    const rules = parseIgnoreFile(`${'*a'.repeat(100)}\n${'**/a/'.repeat(50)}b`, 'x');
    expect(rules.verdict(`${'a'.repeat(2000)}c`)).toBeUndefined();
    expect(rules.verdict('a/'.repeat(1000))).toBeUndefined();
  });

  it('never throws for a path', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab*?/[]!-\\') }), fc.string(), (pattern, path) => {
        try {
          parseIgnoreFile(pattern, 'x').verdict(path);
        } catch (error) {
          expect(error).toMatchObject({ code: 'BUILD_FOLDER_INVALID' });
        }
      }),
    );
  });

  it('matches a plain pattern by equality', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(name, name, (pattern, path) => {
        expect(verdict(pattern, path)).toBe(pattern === path ? 'out' : undefined);
      }),
    );
  });
});
