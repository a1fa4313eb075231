/** docs/matching.md has the limits of the code. */
import { expect, test } from 'vitest';
import { readText, tableOf } from './markdown.ts';

const limits = tableOf(readText('docs/matching.md'), 'limit').rows;

test('has limits', () => expect(limits.length).toBeGreaterThan(8));

test.each(limits)('%s: %s', (_, value = '', file = '', constant = '') => {
  const [path = '', name = ''] = [file, constant].map((cell) => cell.replaceAll('`', ''));
  const [, found] = new RegExp(`^(?:export )?const ${name} = ([\\d_]+);`, 'm').exec(readText(path)) ?? [];
  expect(found?.replaceAll('_', '')).toBe(value);
});
