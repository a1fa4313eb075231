/** Shows what a plan would do, or has done, to users and to programs. */
import type { Io } from '../io.ts';
import type { Applied } from './apply.ts';
import type { PlanStep } from './plan.ts';

interface Row {
  readonly change: string;
  readonly type: string;
  readonly name: string;
  readonly fields: readonly string[];
  /** Absent while nothing has been done. */
  readonly outcome?: string;
}

export async function showPlan(io: Io, steps: readonly PlanStep[]): Promise<void> {
  await show(io, steps.map(rowOf));
}

export async function showApplied(io: Io, applied: readonly Applied[]): Promise<void> {
  await show(
    io,
    applied.map(({ step, outcome }) => ({ ...rowOf(step), outcome })),
  );
}

/** `2 created, 1 unchanged`. */
export function countText(applied: readonly Applied[]): string {
  const words = { create: 'created', update: 'updated', delete: 'deleted', unchanged: 'unchanged' } as const;
  const counted = Object.entries(words).flatMap(([change, word]) => {
    const count = applied.filter(
      ({ step, outcome }) => step.change === change && (outcome === 'done' || outcome === 'unchanged'),
    ).length;
    return count === 0 ? [] : [`${count} ${word}`];
  });
  const kept = applied.filter(({ outcome }) => outcome === 'kept').length;
  return [...counted, ...(kept === 0 ? [] : [`${kept} kept`])].join(', ') || 'nothing to do';
}

function rowOf({ change, type, name, fields }: PlanStep): Row {
  return { change, type, name, fields };
}

function show(io: Io, rows: readonly Row[]): Promise<void> {
  const isDone = rows.some(({ outcome }) => outcome !== undefined);
  return io.list({
    items: rows,
    columns: [
      { title: 'change', cell: ({ change }) => change },
      { title: 'type', cell: ({ type }) => type },
      { title: 'name', cell: ({ name }) => name },
      ...(isDone ? [{ title: 'outcome', cell: ({ outcome }: Row) => outcome ?? '' }] : []),
      { title: 'fields', cell: ({ fields }) => fields.join(', ') },
    ],
    name: ({ type, name }) => `${type}/${name}`,
  });
}
