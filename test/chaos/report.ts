/** The report on a run of all faults. */
import { exerciseLine } from './exercise.ts';
import type { FaultOutcome } from './run.ts';

const shownViolations = 20;

/** A row for each fault. */
export function tableOf(outcomes: ReadonlyMap<string, FaultOutcome>): readonly string[] {
  const head = [
    'fault',
    'rounds',
    'answers',
    'by status',
    'refused',
    'cut off',
    'ran',
    'records',
    'lost',
    'unkept',
    'unbegun',
    'violations',
  ];
  const rows = [...outcomes].map(([name, { rounds, counts, violations }]) => {
    const statuses = Object.entries(counts.byStatus).filter(([status]) => status !== '0');
    const byStatus = statuses.map(([status, count]) => `${status}:${count}`).join(' ');
    const { answers, refused, broken, runs, records, lost, unkept, neverBegun } = counts;
    const numbers = [refused, broken, runs, records, lost, unkept, neverBegun, violations.length];
    return [name, String(rounds), String(answers), byStatus, ...numbers.map(String)];
  });
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

export function violationLines({ violations, exercised, failed, unfailed }: FaultOutcome): readonly string[] {
  const rest = violations.length - shownViolations;
  return [
    ...(exercised.length > 0 ? [exerciseLine(exercised)] : []),
    ...violations.slice(0, shownViolations).map(({ rule, what }) => `  VIOLATION ${rule}: ${what}`),
    ...(rest > 0 ? [`  and ${rest} more`] : []),
    ...(failed.length > 0 ? [`  ${failed.length} places failed`] : []),
    ...unfailed.map((place) => `  seen, but never failed: ${place}`),
  ];
}
