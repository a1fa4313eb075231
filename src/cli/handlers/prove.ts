/** `ward prove`: a table of techniques with their outcomes, and a summary line. */
import type {
  AttackVector,
  ProveReport,
  ProveRow,
  TechniqueSummary,
  WeakenedRow,
} from '../../server/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import type { Io } from '../io.ts';
import { localOptions, openServer } from '../local.ts';
import type { Column } from '../table.ts';
import { exitInterrupted, interruptible } from './interruptible.ts';

const exitEscaped = 1;
const exitUnknown = 2;

export const prove: Handler = async (input, context) => {
  if (input.has('list')) return list(input, context);
  if (input.has('weakened')) return weakened(input, context);
  const { io } = context;
  const server = await openServer();
  const [runtime, join] = [input.text('runtime'), input.text('join')];
  using progress = io.progress();
  const report = await interruptible((signal) =>
    server.proveSandbox({
      ...localOptions(input),
      ...selectionOf(input),
      ...(runtime === undefined ? {} : { runtime }),
      ...(join === undefined ? {} : { join }),
      compare: input.has('compare'),
      signal,
      onProgress: ({ done, all, last }) => progress.show(`${done}/${all} ${last.name}: ${last.outcome}`),
    }),
  );
  progress[Symbol.dispose]();
  if (report === undefined) return exitInterrupted;
  await show(io, report);
  return exitCodeOf(report);
};

/** Runs techniques without their controls: they should get through. */
async function weakened(input: Input, { io }: Context): Promise<number> {
  if (input.has('compare') || input.has('runtime')) {
    throw cliFault('USAGE', '--weakened excludes --compare and --runtime');
  }
  const server = await openServer();
  using progress = io.progress();
  const report = await interruptible((signal) =>
    server.proveWeakened({
      ...localOptions(input),
      ...selectionOf(input),
      signal,
      onProgress: ({ done, all, last }) => progress.show(`${done}/${all} ${last.name}: ${last.outcome}`),
    }),
  );
  progress[Symbol.dispose]();
  if (report === undefined) return exitInterrupted;
  const { counts, techniques } = report;
  await io.list({ items: techniques, data: report, columns: weakenedColumns, name: ({ name }) => name });
  for (const { name, outcome, detail } of techniques) {
    if (outcome === 'BLOCKED') io.problem('CANNOT_FAIL', `${name}: ${detail}`);
    if (outcome === 'ERROR') io.problem('NOT_TRIED', `${name}: ${detail}`);
  }
  const seconds = (report.milliseconds / 1000).toFixed(1);
  const told = `${counts.ESCAPED} got through without their control, ${counts.BLOCKED} did not, ${counts.ERROR} not tried, ${counts.NOTHING} can not here, ${counts['LEFT OUT']} left out, in ${seconds} s`;
  if (report.ok) io.ok(told);
  else io.note(told);
  if (counts.BLOCKED > 0) return exitEscaped;
  return counts.ERROR > 0 ? exitUnknown : 0;
}

async function list(input: Input, { io }: Context): Promise<number> {
  const server = await openServer();
  const items = await server.listAttacks(selectionOf(input));
  await io.list({
    items,
    columns: [...nameColumns, { title: 'title', cell: ({ title }) => title }, ...sourceColumns, expectColumn],
    name: ({ name }) => name,
  });
  return 0;
}

function selectionOf(input: Input): { readonly only?: readonly string[]; readonly vector?: AttackVector } {
  const only = input.texts('only');
  const vector = vectors.find((name) => name === input.text('vector'));
  return { ...(only.length === 0 ? {} : { only }), ...(vector === undefined ? {} : { vector }) };
}

const vectors: readonly AttackVector[] = ['escape', 'neighbours', 'outside', 'application', 'cluster'];

type Named = Pick<TechniqueSummary, 'name' | 'vector' | 'reference' | 'control'>;

const nameColumns: readonly Column<Named>[] = [
  { title: 'vector', cell: ({ vector }) => vector },
  { title: 'technique', cell: ({ name }) => name },
];
const sourceColumns: readonly Column<Named>[] = [
  { title: 'control', cell: ({ control }) => control },
  { title: 'reference', cell: ({ reference }) => reference, isWide: true },
];
const expectColumn: Column<TechniqueSummary> = {
  title: 'expects',
  cell: ({ expects }) => expects.join(', '),
};

async function show(io: Io, report: ProveReport): Promise<void> {
  await io.list({
    items: report.techniques,
    data: report,
    columns: report.dockerDefaultCounts === undefined ? columns : [...columns, ...comparisonColumns],
    name: ({ name }) => name,
  });
  for (const row of report.techniques) {
    if (row.outcome === 'ESCAPED') io.problem('ESCAPED', `${row.name}: ${row.detail}`);
    if (row.outcome === 'ERROR') io.problem('NOT_TRIED', `${row.name}: ${row.detail}`);
    if (row.outcome === 'NOTHING') io.note(`${row.name} proves nothing here: ${row.detail}`);
  }
  if (report.dockerDefaultCounts !== undefined)
    io.note(`docker-default: ${countsOf(report.dockerDefaultCounts)}`);
  const { name, version } = report.runtime;
  const seconds = (report.milliseconds / 1000).toFixed(1);
  const told = `${countsOf(report.counts)} of ${report.techniques.length} techniques under ${name} ${version}, kernel ${report.kernel}, in ${seconds} s`;
  if (report.ok) io.ok(told);
  else io.note(told);
}

const columns: readonly Column<ProveRow>[] = [
  ...nameColumns,
  { title: 'result', cell: ({ outcome }) => outcome },
  // Marks an unexpected outcome: something blocked the attack, but not the intended control.
  {
    title: 'answer',
    cell: ({ outcome, answer, asExpected }) =>
      outcome !== 'BLOCKED' || asExpected ? answer : `${answer} (!)`,
  },
  ...sourceColumns,
  { title: 'ms', cell: ({ milliseconds }) => String(milliseconds), align: 'right' },
  { title: 'title', cell: ({ title }) => title, isWide: true },
  { title: 'detail', cell: ({ detail }) => detail, isWide: true },
];

const weakenedColumns: readonly Column<WeakenedRow>[] = [
  { title: 'vector', cell: ({ vector }) => vector },
  { title: 'technique', cell: ({ name }) => name },
  { title: 'result', cell: ({ outcome }) => outcome },
  { title: 'control', cell: ({ control }) => control },
  { title: 'without', cell: ({ without }) => without.join(', ') },
  { title: 'detail', cell: ({ detail }) => detail, isWide: true },
];

const comparisonColumns: readonly Column<ProveRow>[] = [
  { title: 'docker-default', cell: ({ dockerDefault: other }) => (other === undefined ? '–' : told(other)) },
  { title: 'ward adds', cell: added },
];

function told({ outcome, answer }: ProveRow): string {
  return [outcome, answer].filter(Boolean).join(' ');
}

/** The control that made the difference. */
function added({ outcome, control, dockerDefault }: ProveRow): string {
  return outcome === 'BLOCKED' && dockerDefault?.outcome === 'ESCAPED' ? control : '';
}

function countsOf(counts: ProveReport['counts']): string {
  const words = {
    BLOCKED: 'blocked',
    ESCAPED: 'escaped',
    ERROR: 'not tried',
    NOTHING: 'prove nothing here',
  } as const;
  return Object.entries(words)
    .map(([outcome, word]) => ({ word, count: counts[outcome as keyof typeof words] }))
    .filter(({ word, count }) => count > 0 || word === 'escaped')
    .map(({ word, count }) => `${count} ${word}`)
    .join(', ');
}

function exitCodeOf({ counts }: ProveReport): number {
  if (counts.ESCAPED > 0) return exitEscaped;
  return counts.ERROR > 0 ? exitUnknown : 0;
}
