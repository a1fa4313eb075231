import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runCommand } from '../lib/index.ts';
import { unifiedDiff } from './unified-diff.ts';

test('is what diff -u writes', async () => {
  const numbered = Array.from({ length: 30 }, (_, at) => `line ${at}\n`);
  const changed = numbered.with(2, 'two\n').with(9, 'nine\n').with(28, 'last\n').join('');
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-diff-'));
  const [old, now] = ['old', 'now'].map((name) => join(folder.path, name));
  for (const [before, after] of [
    [numbered.join(''), changed],
    [numbered.join(''), numbered.slice(3).join('')],
    [numbered.join(''), `${numbered.join('')}more`],
    ['a\nb', 'a\nb\n'],
    ['a\n', ''],
    ['', 'a\nb\n'],
  ] as const) {
    await writeFile(old ?? '', before);
    await writeFile(now ?? '', after);
    const { stdout } = await runCommand(['diff', '-U3', old ?? '', now ?? '']);
    // `diff` leaves out a count of 1.
    const expected = stdout.replaceAll(/^@@.*@@$/gm, (head) => head.replaceAll(/([-+]\d+)(?= )/g, '$1,1'));
    expect(unifiedDiff(before, after)?.join('\n')).toBe(expected.split('\n').slice(2, -1).join('\n'));
  }
});

test('has all lines of both texts, and says when it would have too many', () => {
  const text = fc.array(fc.constantFrom('a', 'b', '', 'c\r')).map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = (unifiedDiff(before, after) ?? []).filter((line) => !line.startsWith('@@'));
      const count = (mark: string) => lines.filter((line) => line.startsWith(mark)).length;
      const lengthOf = (all: string) => (all === '' ? 0 : all.replace(/\n$/, '').split('\n').length);
      expect(count('+') - count('-')).toBe(lengthOf(after) - lengthOf(before));
      expect(lines.length === 0).toBe(before === after);
    }),
    { numRuns: 200 },
  );
  const long = (mark: string) => `same\n${`${mark}\n`.repeat(2000)}same\n`;
  expect(unifiedDiff(long('a'), long('b'))).toBeUndefined();
});
