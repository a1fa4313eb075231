import { describe, expect, it } from 'vitest';
import { matchesPath, newTree, plainMode, treePath } from './tree.ts';

describe('a tree', () => {
  it.each([
    ['./usr/bin/x', 'usr/bin/x'],
    ['./lib/x', 'usr/lib/x'],
    ['/sbin/x', 'usr/sbin/x'],
    ['lib64/ld.so', 'usr/lib64/ld.so'],
    ['./lib', 'lib'],
    ['./library/x', 'library/x'],
    ['./etc/', 'etc'],
    ['./', ''],
  ])('puts %s at %j, as in a merged /usr', (name, path) => {
    expect(treePath(name)).toBe(path);
  });

  it('makes the folders above an entry', () => {
    const tree = newTree();
    tree.add('a/b/c', { type: 'link', target: 'x' });
    tree.add('a/bc', { type: 'link', target: 'x' });
    expect([...tree.entries.keys()]).toEqual(['a', 'a/b', 'a/b/c', 'a/bc']);
  });

  it('distinguishes subtrees from names with the same prefix', () => {
    expect(matchesPath('usr/share/doc/x', ['usr/share/doc/'])).toBe(true);
    expect(matchesPath('usr/share/doc', ['usr/share/doc/'])).toBe(true);
    expect(matchesPath('usr/share/docs', ['usr/share/doc/', 'usr/share/doc'])).toBe(false);
    expect(matchesPath('usr/bin/sh', ['usr/bin/sh'])).toBe(true);
  });

  it('has two modes', () => {
    expect([0o4755, 0o700, 0o6777].map(plainMode)).toEqual([0o755, 0o755, 0o755]);
    expect([0o600, 0o4644, 0o666].map(plainMode)).toEqual([0o644, 0o644, 0o644]);
  });
});
