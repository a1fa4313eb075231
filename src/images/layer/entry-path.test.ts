import { describe, expect, it } from 'vitest';
import { entryPath, linkTarget } from './entry-path.ts';

describe('the name of an entry', () => {
  it.each([
    ['a/b.txt', 'a/b.txt'],
    ['./a//b/./c/', 'a/b/c'],
    ['./', ''],
    ['..a/b..', '..a/b..'],
    ['Főtanúsítvány.crt', 'Főtanúsítvány.crt'],
    ['a b/@scope/x+y', 'a b/@scope/x+y'],
  ])('%s is the path %s', (name, path) => {
    expect(entryPath(Buffer.from(name))).toEqual({ path });
  });

  it.each([
    ['/etc/passwd', 'absolute'],
    ['../x', 'out of the archive'],
    ['a/../../x', 'out of the archive'],
    ['a/..', 'out of the archive'],
    ['', 'no name'],
    ['a\nb', 'control'],
    ['a\0b', 'control'],
    ['a\u001b[2J', 'control'],
    ['n'.repeat(256), 'too long'],
    ['a/'.repeat(101), 'deeper'],
    ['a/'.repeat(3000), 'too long'],
  ])('%j is refused', (name, problem) => {
    expect(entryPath(Buffer.from(name)).problem).toContain(problem);
  });

  it('that is not UTF-8 is refused', () => {
    expect(entryPath(Buffer.from([0x63, 0xe9])).problem).toContain('UTF-8');
  });
});

describe('a link', () => {
  it.each([
    ['etc/os-release', '../usr/lib/os-release', 'usr/lib/os-release'],
    ['etc/os-release', '/usr/lib/os-release', 'usr/lib/os-release'],
    ['a/b/c', './d', 'a/b/d'],
    ['a', '../b', undefined],
    ['a', '/../b', undefined],
  ])('at %s to %s leads to %s', (path, target, found) => {
    expect(linkTarget(path, target)).toBe(found);
  });
});
