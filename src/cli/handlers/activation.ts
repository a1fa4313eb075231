/** `ward activation list`, `get`, `result`, `logs`. */
import type { JsonObject } from '../../lib/index.ts';
import type { ApiClient } from '../client.ts';
import type { Context, Handler } from '../command-spec.ts';
import { isPending, logLinesOf, namespaceOf, stripLogLine, textOf, timeText } from '../entity-fields.ts';
import { cliFault } from '../faults.ts';
import { followRun } from '../follow.ts';
import type { Input } from '../input.ts';
import { parseActivationFilter } from './activation-filter.ts';
import { resultOf } from './activation-outcome.ts';
import { actionOf, activationColumns, activationFields, partialNoteOf, statusOf } from './activation-view.ts';
import { showEntity } from './entity-show.ts';

export const list: Handler = async (input, context) => {
  const client = await context.client();
  const { namespace, name } = parseActivationFilter(input.optional(0), context.settings().namespace.value);
  const items = await client.sendForList({
    method: 'GET',
    path: ['namespaces', namespace, 'activations'],
    query: {
      name,
      limit: input.integer('limit', { max: 200 }) ?? 30,
      skip: input.integer('skip') ?? 0,
      since: input.integer('since'),
      upto: input.integer('upto'),
      docs: input.has('full') ? true : undefined,
    },
  });
  if (input.has('full') && context.io.format === 'table') await context.io.value(items);
  else
    await context.io.list({
      items,
      columns: activationColumns,
      name: (activation) => textOf(activation['activationId']),
    });
  return 0;
};

export const get: Handler = async (input, context) => {
  const { record, rest } = await fetchRecord(input, context);
  if (input.has('logs')) {
    context.io.lines(logLinesOf(record).map(stripLogLine));
    notePartial(record, context);
    return 0;
  }
  const name = textOf(record['activationId']);
  const when = isPending(record) ? `since ${timeText(record['start'])}` : `at ${timeText(record['end'])}`;
  return showEntity(rest, context, {
    noun: 'activation',
    name,
    entity: record,
    fields: activationFields(record),
    summary: [
      `/${namespaceOf(record)}/${actionOf(record)} (${statusOf(record)} ${when})`,
      JSON.stringify(resultOf(record), undefined, 2),
    ],
  });
};

export const result: Handler = async (input, context) => {
  const { record } = await fetchRecord(input, context);
  if (isPending(record))
    throw cliFault('SERVER_TIMED_OUT', `activation ${textOf(record['activationId'])} has not ended`, {
      hint: `ward activation logs --follow ${textOf(record['activationId'])}`,
    });
  await context.io.value(resultOf(record));
  return 0;
};

export const logs: Handler = async (input, context) => {
  if (input.has('follow')) return follow(input, context);
  const { record } = await fetchRecord(input, context);
  const lines = logLinesOf(record);
  const { io } = context;
  if (io.format === 'json' || io.format === 'yaml') await io.value(lines);
  else io.lines(input.has('strip') ? lines.map(stripLogLine) : lines);
  notePartial(record, context);
  return 0;
};

async function follow(input: Input, context: Context): Promise<number> {
  const client = await context.client();
  const namespace = context.settings().namespace.value;
  const { id } = await idOf(input, client, namespace);
  const onLine = (line: string) => context.io.lines([input.has('strip') ? stripLogLine(line) : line]);
  const record = await followRun(client, { namespace, activationId: id, onLine });
  if (record !== undefined) notePartial(record, context);
  return 0;
}

function notePartial(record: JsonObject, { io }: Context): void {
  const note = partialNoteOf(record);
  if (note !== undefined) io.note(note);
}

async function fetchRecord(
  input: Input,
  context: Context,
): Promise<{ readonly record: JsonObject; readonly rest: Input }> {
  const client = await context.client();
  const namespace = context.settings().namespace.value;
  const { id, rest } = await idOf(input, client, namespace);
  const record = await client.sendForObject({
    method: 'GET',
    path: ['namespaces', namespace, 'activations', id],
    query: { pending: true },
  });
  return { record, rest };
}

/** The id, and the arguments as if it had been typed: with --last the first argument is the one after the id. */
async function idOf(
  input: Input,
  client: ApiClient,
  namespace: string,
): Promise<{ readonly id: string; readonly rest: Input }> {
  const first = input.optional(0);
  if (!input.has('last')) {
    if (first !== undefined) return { id: first, rest: input };
    throw cliFault('USAGE', 'name one activation: by its id, or with --last', {
      hint: 'ward activation list shows the ids',
    });
  }
  if (/^[0-9a-f]{32}$/.test(first ?? ''))
    throw cliFault('USAGE', 'name one activation: by its id, or with --last, not both');
  const [newest] = await client.sendForList({
    method: 'GET',
    path: ['namespaces', namespace, 'activations'],
    query: { limit: 1, skip: 0 },
  });
  if (newest === undefined)
    throw cliFault('NOT_FOUND', 'there are no activations yet', { hint: 'ward action invoke NAME' });
  return { id: textOf(newest['activationId']), rest: input.shifted() };
}
