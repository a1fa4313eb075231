import { expect, test } from 'vitest';
import { findCommand, foldPairs, unfoldPair } from './argv.ts';
import { entries } from './registry.ts';

test.each([
  [['action', 'create', 'x'], 'create'],
  [['-i', '--apihost', 'action', 'activation', 'list'], 'list'],
  [['--apihost=h', 'action', '-o', 'json', 'get', 'x'], 'get'],
  [['up', '--listen', ':1'], 'up'],
  [['namespace', '-o', 'json', 'key', 'list', 'acme'], 'list'],
  [['namespace', 'key'], undefined],
  [['action'], undefined],
  [['nonsense', 'create'], undefined],
  [['--', 'action', 'create'], undefined],
  [[], undefined],
])('%j is the command %s', (argv, expected) => {
  expect(findCommand(argv, entries)?.name).toBe(expected);
});

function fold(...argv: string[]): string[] {
  return foldPairs(argv, findCommand(argv, entries));
}

test('folds pairs, whatever their words', () => {
  expect(fold('action', 'invoke', 'x', '-p', 'name', '-r', '--param', '--', '-p', '-r')).toEqual([
    'action',
    'invoke',
    'x',
    '--param=["name","-r"]',
    '--param=["--","-p"]',
    '-r',
  ]);
  expect(fold('action', 'create', 'x', '-a', 'k', 'v"]')).toContain('--annotation=["k","v\\"]"]');
});

test('does not change words after -- or commands without pairs', () => {
  expect(fold('action', 'invoke', '--', '-p', 'a')).toEqual(['action', 'invoke', '--', '-p', 'a']);
  expect(fold('sandbox', 'run', 'i', 'node', '-p', '1')).toEqual(['sandbox', 'run', 'i', 'node', '-p', '1']);
});

test('refuses half a pair', () => {
  expect(() => fold('action', 'invoke', 'x', '-p', 'name')).toThrow(
    expect.objectContaining({ code: 'USAGE', message: '-p takes a key and a value' }),
  );
});

test.each([
  [['-p', 'name=World'], '-p name World'],
  [['-p', 'name=World', '-r'], '-p name World'],
  [['-p', '{"a":1}'], '-p KEY VALUE; for a whole object use -P FILE, or -P - from a pipe'],
  [['-p', '{"a":', '--result'], '-p KEY VALUE; for a whole object use -P FILE, or -P - from a pipe'],
  [['--param', 'name'], '--param name World'],
])('shows how to write a pair that was typed as %j', (typed, hint) => {
  expect(() => fold('action', 'invoke', 'x', ...typed)).toThrow(
    expect.objectContaining({ code: 'USAGE', hint }),
  );
});

test('accepts a key that contains =, and values that look like options', () => {
  expect(fold('action', 'invoke', 'x', '-p', 'a=b', 'c', '-p', 'd', '-r')).toEqual([
    'action',
    'invoke',
    'x',
    '--param=["a=b","c"]',
    '--param=["d","-r"]',
  ]);
});

test('unfolds only what it folded', () => {
  expect(unfoldPair('["a","b=c"]')).toEqual(['a', 'b=c']);
  for (const word of ['a=b', '["a"]', '{}', '[1,2]', ''])
    expect(() => unfoldPair(word)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});
