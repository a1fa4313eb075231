/** `ward sandbox violations`. */
import type { Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import { localOptions, openServer } from '../local.ts';

export const violations: Handler = async (input, { io }) => {
  const { listViolations } = await openServer();
  const limit = input.integer('limit', { min: 1, max: 10_000 }) ?? 100;
  const rows = await listViolations(localOptions(input), {
    namespace: input.text('namespace'),
    kind: input.text('kind'),
    since: timeOf('since', input.text('since'), Date.now()),
    skip: 0,
    limit,
  });
  await io.list({
    items: rows,
    columns: [
      { title: 'time', cell: ({ at }) => new Date(at).toISOString().slice(0, 19) },
      { title: 'kind', cell: ({ kind }) => kind },
      { title: 'namespace', cell: ({ namespace }) => namespace },
      { title: 'action', cell: ({ action }) => action ?? '' },
      { title: 'activation', cell: ({ activationId }) => activationId ?? '', isWhole: true },
      { title: 'detail', cell: ({ detail }) => detail },
    ],
    name: ({ activationId }) => activationId ?? '',
  });
  if (rows.length === limit) io.note(`the newest ${limit}; more with --limit`);
  return 0;
};

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration before now, or a time. @throws Fault USAGE */
export function timeOf(option: string, text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const ago = /^(\d{1,6})([smhd])$/.exec(text);
  if (ago) return now - Number(ago[1]) * (unitMs[ago[2] ?? ''] ?? 0);
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw cliFault('USAGE', `--${option} takes a time, not '${text}'`, {
    hint: 'write it like 30m, 12h, 7d, or 2026-01-31T12:00Z',
  });
}
