/** docs/security-model.md names tests that exist, and every mechanism that `ward doctor` knows. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isMechanism, mechanismNames } from '../../src/sandbox/mechanisms.ts';
import { readText, root, tablesOf } from './markdown.ts';

const document = readText('docs/security-model.md');
const proofs = tablesOf(document)
  .filter(({ header }) => header.at(-1) === 'proof')
  .flatMap(({ heading, rows }) =>
    rows.map((row) => ({ heading, attack: row[0] ?? '', proof: row.at(-1) ?? '' })),
  );

/** `file` “title”, “title”; … */
function testsNamed(proof: string): (readonly [file: string, titles: readonly string[]])[] {
  return [...proof.matchAll(/`([^`]+\.ts)`((?:,? “[^”]+”)+)/g)].map((match) => [
    match[1] ?? '',
    [...(match[2] ?? '').matchAll(/“([^”]+)”/g)].map((title) => title[1] ?? ''),
  ]);
}

function mechanismsNamed(proof: string): string[] {
  const list = /(?:^|; )doctor ((?:`[a-z-]+`(?:, )?)+)/.exec(proof)?.[1] ?? '';
  return [...list.matchAll(/`([a-z-]+)`/g)].map((match) => match[1] ?? '');
}

test('there are proofs for each vector', () => {
  expect(new Set(proofs.map(({ heading }) => heading))).toEqual(
    new Set(['Noisy neighbours', 'Within containers', 'External world', 'Within the application']),
  );
  expect(proofs.length).toBeGreaterThan(40);
});

test.each(proofs)('$attack: its proof exists', ({ proof }) => {
  const tests = testsNamed(proof);
  const mechanisms = mechanismsNamed(proof);
  expect(tests.length + mechanisms.length, proof).toBeGreaterThan(0);
  for (const [file, titles] of tests) {
    expect(existsSync(join(root, file)), file).toBe(true);
    const text = readText(file);
    for (const title of titles) {
      const isThere = ["'", '"', '`'].some((quote) => text.includes(`${quote}${title}${quote}`));
      expect(isThere, `${file}: ${title}`).toBe(true);
    }
  }
  for (const mechanism of mechanisms) expect(isMechanism(mechanism), mechanism).toBe(true);
  const named = tests.flatMap(([, titles]) => titles).length;
  expect(named, 'a title that belongs to no file').toBe([...proof.matchAll(/“/g)].length);
});

test('every mechanism is named', () => {
  for (const mechanism of mechanismNames) expect(document).toContain(`\`${mechanism}\``);
});
