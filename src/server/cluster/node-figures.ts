/** What a node says of itself, as operators see it: in the database, in `ward node list`, and in metrics. */
import { z } from 'zod';
import type { NodeReport } from '../../dispatch/index.ts';
import type { JsonObject } from '../../lib/index.ts';

const count = z.number().min(0);
const invokerSchema = z.object({
  /** Jobs per processor. */
  load: count,
  sandboxes: z.object({ starting: count, busy: count, idle: count, prewarmed: count }),
  /** Actions that it could run at once, without a start; the last used, up to 200. */
  warm: count,
  /** Jobs that wait for a sandbox. */
  queued: count,
  memoryMiB: count,
  memoryLimitMiB: count,
  /** What its sandboxes use; absent from a Ward that does not tell. */
  memoryUsedMiB: count.optional(),
  /** That have ended but could not be removed yet; absent likewise. */
  sandboxesLeft: count.optional(),
  processors: count,
  /** It takes no new work. */
  isDraining: z.boolean(),
});

const figuresSchema = z.object({
  /** How long its process has been in the cluster. */
  upMs: count,
  /** Time of the last order of the operator that it has. */
  orderedAt: count.optional(),
  /** Absent for a node without sandboxes. */
  invoker: invokerSchema.optional(),
  /** What it judges by. */
  policy: z.string().optional(),
  advisories: z.string().optional(),
  vex: z.string().optional(),
  /** It hears no invoker, and others do. */
  isAlone: z.boolean().optional(),
});

type InvokerFigures = z.output<typeof invokerSchema>;
export type NodeFigures = z.output<typeof figuresSchema>;

export function figuresOf({ upMs, order, judges, invoker, isAlone }: NodeReport): NodeFigures {
  return {
    upMs: Math.round(upMs),
    ...(order === undefined ? {} : { orderedAt: order.at }),
    ...(invoker === undefined ? {} : { invoker: invokerFigures(invoker) }),
    ...judges,
    ...(isAlone === true ? { isAlone } : {}),
  };
}

/** Undefined when a Ward of another version has written them in a form that this one does not know. */
export function parseFigures(value: JsonObject): NodeFigures | undefined {
  return figuresSchema.safeParse(value).data;
}

/** Jobs that run there, or wait there. */
export function unfinishedAt({ queued, sandboxes }: Pick<InvokerFigures, 'queued' | 'sandboxes'>): number {
  return queued + sandboxes.busy + sandboxes.starting;
}

function invokerFigures(report: NonNullable<NodeReport['invoker']>): InvokerFigures {
  const { status, processors, idle, isDraining } = report;
  const { queued, sandboxes, memoryMiB, memoryLimitMiB, memoryUsedMiB, sandboxesLeft } = status;
  const load = unfinishedAt(status) / Math.max(1, processors);
  return {
    load: Math.round(load * 100) / 100,
    ...{ sandboxes, warm: idle.length, queued, memoryMiB, memoryLimitMiB, processors, isDraining },
    ...(memoryUsedMiB === undefined ? {} : { memoryUsedMiB }),
    ...(sandboxesLeft === undefined ? {} : { sandboxesLeft }),
  };
}
