/** `ward activation list`, `get`, `result`, `logs`. */
import type { JsonObject } from '../../lib/index.ts';
import type { ApiClient } from '../client.ts';
import type { Context, Handler } from '../command-spec.ts';
import { objectOf, textOf } from '../entity-fields.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { activationColumns, activationFields, logLinesOf, stripLogLine } from './activation-view.ts';

export const list: Handler = async (input, context) => {
  const client = await context.client();
  const items = await client.sendForList({
    method: 'GET',
    path: ['namespaces', context.settings().namespace.value, 'activations'],
    query: {
      name: input.optional(0),
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
  const record = await fetchRecord(input, context);
  await context.io.record({
    fields: activationFields(record),
    name: textOf(record['activationId']),
    data: record,
  });
  return 0;
};

export const result: Handler = async (input, context) => {
  const record = await fetchRecord(input, context);
  await context.io.value(objectOf(record['response'])['result'] ?? null);
  return 0;
};

export const logs: Handler = async (input, context) => {
  const lines = logLinesOf(await fetchRecord(input, context));
  const { io } = context;
  if (io.format === 'json' || io.format === 'yaml') await io.value(lines);
  else io.lines(input.has('strip') ? lines.map(stripLogLine) : lines);
  return 0;
};

async function fetchRecord(input: Input, context: Context): Promise<JsonObject> {
  const client = await context.client();
  const namespace = context.settings().namespace.value;
  const id = await idOf(input, client, namespace);
  return client.sendForObject({ method: 'GET', path: ['namespaces', namespace, 'activations', id] });
}

async function idOf(input: Input, client: ApiClient, namespace: string): Promise<string> {
  const id = input.optional(0);
  if ((id === undefined) !== input.has('last'))
    throw cliFault('USAGE', 'name one activation: by its id, or with --last', {
      hint: 'ward activation list shows the ids',
    });
  if (id !== undefined) return id;
  const [newest] = await client.sendForList({
    method: 'GET',
    path: ['namespaces', namespace, 'activations'],
    query: { limit: 1, skip: 0 },
  });
  if (newest !== undefined) return textOf(newest['activationId']);
  throw cliFault('NOT_FOUND', 'there is no activation yet', { hint: 'ward action invoke NAME' });
}
