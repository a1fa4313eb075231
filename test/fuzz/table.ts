/** Prints the end of a run: a row for each part, and the findings. */
import type { PartResult } from './types.ts';

export function printResults(results: readonly PartResult[]): void {
  const rows = [
    ['part', 'inputs', 'seconds', 'MiB more', 'findings'],
    ...results.map((each) => [
      each.part,
      String(each.inputs),
      each.seconds.toFixed(1),
      String(each.grownMiB),
      String(each.findings.length),
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  console.log('');
  for (const row of rows)
    console.log(
      row.map((cell, column) => cell[column === 0 ? 'padEnd' : 'padStart'](widths[column] ?? 0)).join('  '),
    );
  for (const { part, findings } of results) {
    for (const { target, what, shown } of findings) {
      console.log(`\n${part}: ${target}\n  ${what}${shown === '' ? '' : `\n  ${shown.slice(0, 2000)}`}`);
    }
  }
  const inputs = results.reduce((sum, each) => sum + each.inputs, 0);
  const findings = results.reduce((sum, each) => sum + each.findings.length, 0);
  console.log(`\n${inputs} inputs, ${findings} findings`);
}
