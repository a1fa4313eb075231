/** `ward waiver create`, `list`, `delete`. */
import type { Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { localOptions, openServer } from '../local.ts';

export const create: Handler = async (input, { io }) => {
  const optional = { namespace: 'namespace', purl: 'package', path: 'path' };
  const places = Object.entries(optional).flatMap(([field, option]) => {
    const text = input.text(option);
    return text === undefined ? [] : [[field, text]];
  });
  const asked = {
    ...{ finding: input.required(0), reason: needed(input, 'reason'), expires: needed(input, 'until') },
    ...Object.fromEntries(places),
  };
  const { waiverAdmin } = await openServer();
  await using admin = await waiverAdmin(localOptions(input));
  const made = await admin.create(asked);
  io.ok(`waived ${made.finding} until ${made.expires}`);
  await io.record({
    fields: [
      ['id', made.id],
      ['finding', made.finding],
      ['namespace', made.namespace ?? 'all'],
      ['in', made.purl ?? made.path ?? 'everything'],
      ['reason', made.reason],
      ['by', made.by],
      ['until', made.expires],
    ],
    name: made.id,
    data: made,
  });
  return 0;
};

export const list: Handler = async (input, { io }) => {
  const { waiverAdmin } = await openServer();
  await using admin = await waiverAdmin(localOptions(input));
  const today = new Date().toISOString().slice(0, 10);
  await io.list({
    items: await admin.list(),
    columns: [
      { title: 'id', cell: ({ id }) => id, isWhole: true },
      { title: 'finding', cell: ({ finding }) => finding, isWhole: true },
      { title: 'namespace', cell: ({ namespace = 'all' }) => namespace },
      { title: 'in', cell: ({ purl, path }) => purl ?? path ?? 'everything' },
      { title: 'until', cell: ({ expires }) => (expires < today ? `${expires} (over)` : expires) },
      { title: 'by', cell: ({ by }) => by },
      { title: 'reason', cell: ({ reason }) => reason },
    ],
    name: ({ id }) => id,
  });
  return 0;
};

export const remove: Handler = async (input, { io }) => {
  const { waiverAdmin } = await openServer();
  await using admin = await waiverAdmin(localOptions(input));
  const id = input.required(0);
  await admin.delete(id);
  io.ok(`ended the waiver ${id}`);
  return 0;
};

function needed(input: Input, option: string): string {
  const text = input.text(option);
  if (text === undefined) throw cliFault('USAGE', `a waiver needs --${option}`);
  return text;
}
