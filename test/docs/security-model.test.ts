/** docs/security-model.md names tests that exist, and every mechanism that `ward doctor` knows. */
import { expect, test } from 'vitest';
import { selectTechniques } from '../../src/prover/index.ts';
import { techniques } from '../../src/prover/techniques/registry.ts';
import { attackVectors } from '../../src/prover/types.ts';
import { isMechanism, mechanismNames } from '../../src/sandbox/mechanisms.ts';
import { expectTestsExist, plain, readText, tableOf, tablesOf, testsNamed } from './markdown.ts';

const document = readText('docs/security-model.md');
const proofs = tablesOf(document)
  .filter(({ header }) => header.at(-1) === 'proof')
  .flatMap(({ heading, rows }) =>
    rows.map((row) => ({ heading, attack: row[0] ?? '', proof: row.at(-1) ?? '' })),
  );

function mechanismsNamed(proof: string): string[] {
  const list = /(?:^|; )doctor ((?:`[a-z-]+`(?:, )?)+)/.exec(proof)?.[1] ?? '';
  return [...list.matchAll(/`([a-z-]+)`/g)].map((match) => match[1] ?? '');
}

test('every vector has proofs', () => {
  expect(new Set(proofs.map(({ heading }) => heading))).toEqual(
    new Set([
      'Noisy neighbours',
      'Within containers',
      'External world',
      'Within the application',
      'Within a cluster',
    ]),
  );
  expect(proofs.length).toBeGreaterThan(40);
});

test.each(proofs)('$attack: its proof exists', ({ proof }) => {
  const mechanisms = mechanismsNamed(proof);
  expect(testsNamed(proof).length + mechanisms.length, proof).toBeGreaterThan(0);
  expectTestsExist(proof);
  for (const mechanism of mechanisms) expect(isMechanism(mechanism), mechanism).toBe(true);
});

test('every mechanism is named', () => {
  for (const mechanism of mechanismNames) expect(document).toContain(`\`${mechanism}\``);
});

test('the attack suite’s controls are listed correctly', () => {
  const { header, rows } = tableOf(document, 'control', 'Attacked for real');
  expect(header).toEqual(['control', ...attackVectors]);
  const counted = new Map<string, number>();
  for (const { control, vector } of techniques) {
    const key = `${control} ${vector}`;
    counted.set(key, (counted.get(key) ?? 0) + 1);
  }
  const told = rows.flatMap(([control = '', ...counts]) =>
    attackVectors.flatMap((vector, at) =>
      counts[at] === '–' ? [] : [[`${plain(control)} ${vector}`, Number(counts[at])] as const],
    ),
  );
  expect(new Map(told)).toEqual(counted);
});

test('each cell of the comparison with others has a source', () => {
  const [values, sources] = ['by default', 'seen in'].map((title) =>
    tableOf(document, title, 'Compared with others'),
  );
  const names = (table: typeof values) => table?.rows.map(([name]) => name);
  expect(names(values)).toEqual(names(sources));
  expect(values?.header.slice(1)).toEqual(sources?.header.slice(1));
  for (const cell of [...(values?.rows ?? []), ...(sources?.rows ?? [])].flat()) expect(cell).not.toBe('');
});

test('every technique that the document names exists', () => {
  const patterns = [...document.matchAll(/--only "?([a-z0-9*-]+)"?/g)].map((match) => match[1] ?? '');
  expect(patterns.length).toBeGreaterThan(20);
  for (const only of patterns) expect(selectTechniques({ only: [only] }).length, only).toBeGreaterThan(0);
});
