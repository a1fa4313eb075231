/** `ward usage`: over the API for a key, or on the data of this machine for its operator. */
import { csvLine, formatSize, isJsonObject, type JsonObject } from '../../lib/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import { numberOf, textOf, timeText } from '../entity-fields.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { localOptions, openServer } from '../local.ts';
import { refuseOtherServer } from '../other-server.ts';
import { timeOf } from './violations.ts';

const dayMs = 86_400_000;
const usualDays = 30;
/** In the order of the API’s own table. */
const csvColumns = [
  ...(['day', 'namespace', 'createdAt', 'calls', 'coldStarts', 'mibMs', 'gibSeconds'] as const),
  ...(['storedByteHours', 'storedHours', 'sentBytes', 'receivedBytes'] as const),
];

export const usage: Handler = async (input, context) => {
  const { io } = context;
  const isHere = input.has('all') || input.has('namespace');
  if (!isHere && input.has('config')) throw cliFault('USAGE', '--config goes with --all or --namespace');
  const rows = await (isHere ? rowsHere(input, context) : rowsOfKey(input, context));
  if (input.has('csv')) {
    for (const line of [csvLine(csvColumns), ...rows.map(csvOf)]) io.print(line);
    return 0;
  }
  await io.list({
    items: rows,
    columns: [
      { title: 'day', cell: ({ day }) => textOf(day) },
      { title: 'namespace', cell: ({ namespace }) => textOf(namespace) },
      { title: 'calls', cell: ({ calls }) => String(calls), align: 'right' },
      { title: 'cold', cell: ({ coldStarts }) => String(coldStarts), align: 'right' },
      { title: 'GiB s', cell: ({ gibSeconds }) => Number(gibSeconds).toFixed(3), align: 'right' },
      { title: 'stored', cell: storedText, align: 'right' },
      { title: 'sent', cell: ({ sentBytes }) => formatSize(numberOf(sentBytes) ?? 0), align: 'right' },
      {
        title: 'received',
        cell: ({ receivedBytes }) => formatSize(numberOf(receivedBytes) ?? 0),
        align: 'right',
      },
      { title: 'MiB ms', cell: ({ mibMs }) => String(mibMs), align: 'right', isWide: true },
      { title: 'created', cell: ({ createdAt }) => timeText(createdAt), isWide: true },
    ],
    name: ({ day }) => textOf(day),
  });
  return 0;
};

async function rowsHere(input: Input, { env }: Context): Promise<readonly JsonObject[]> {
  refuseOtherServer('usage', input, env);
  const { usageHere } = await openServer();
  const rows: JsonObject[] = [];
  const query = { namespace: input.text('namespace'), ...daysOf(input, usualDays) };
  for await (const row of await usageHere(localOptions(input), query)) rows.push({ ...row });
  return rows;
}

async function rowsOfKey(input: Input, context: Context): Promise<readonly JsonObject[]> {
  const client = await context.client();
  const { since, until } = daysOf(input, usualDays);
  const query = { since: dateOf(since), until: dateOf(until) };
  const { days } = await client.sendForObject({ method: 'GET', root: '/ward/v1', path: ['usage'], query });
  return Array.isArray(days) ? days.filter(isJsonObject) : [];
}

/** The first and the last day since 1970, from `--since` and `--until`. */
export function daysOf(input: Input, usual: number): { readonly since: number; readonly until: number } {
  const now = Date.now();
  const until = Math.floor((timeOf('until', input.text('until'), now) ?? now) / dayMs);
  const from = timeOf('since', input.text('since'), now);
  return { since: from === undefined ? until - usual + 1 : Math.floor(from / dayMs), until };
}

/** Such as `2026-01-31`. */
export function dateOf(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}

function csvOf(row: JsonObject): string {
  return csvLine(
    csvColumns.map((column) => {
      if (column === 'createdAt') return new Date(numberOf(row[column]) ?? 0).toISOString();
      return numberOf(row[column]) ?? textOf(row[column]);
    }),
  );
}

/** The mean of the samples. */
function storedText({ storedByteHours, storedHours }: JsonObject): string {
  const hours = numberOf(storedHours) ?? 0;
  return hours === 0 ? '' : formatSize(Math.round((numberOf(storedByteHours) ?? 0) / hours));
}
