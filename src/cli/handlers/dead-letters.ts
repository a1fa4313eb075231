/** `ward rule dead-letters`, `replay`, `discard`: calls of a rule's action that failed for good. */
import { isJsonObject, type JsonObject } from '../../lib/index.ts';
import type { ApiClient } from '../client.ts';
import type { Context, Handler } from '../command-spec.ts';
import { textOf, timeText } from '../entity-fields.ts';
import { type EntityName, parseSimpleName } from '../entity-name.ts';
import type { Input } from '../input.ts';
import { printableLine } from '../printable.ts';
import type { Column } from '../table.ts';

/** The most that the API lists at once. */
const pageSize = 200;

export const list: Handler = async (input, context) => {
  const client = await context.client();
  const typed = input.optional(0);
  const rule = typed === undefined ? undefined : ruleName(typed, context);
  const items = await client.sendForList({
    method: 'GET',
    root: '/ward/v1',
    path: lettersPath(rule?.namespace ?? context.settings().namespace.value),
    query: {
      rule: rule?.path,
      limit: input.integer('limit', { max: pageSize }) ?? 30,
      skip: input.integer('skip') ?? 0,
    },
  });
  await context.io.list({ items, columns, name: (letter) => textOf(letter['id']) });
  return 0;
};

export const replay: Handler = async (input, context) => {
  const client = await context.client();
  const rule = ruleName(input.required(0), context);
  const started: JsonObject[] = [];
  for (const id of await lettersOf(input, client, rule)) {
    const path = [...lettersPath(rule.namespace), id, 'replay'];
    const { body } = await client.send({ method: 'POST', root: '/ward/v1', path, body: {} });
    const activationId = isJsonObject(body) ? textOf(body['activationId']) : '';
    context.io.ok(`replayed ${id}, see: ward activation get ${activationId}`);
    started.push({ id, activationId });
  }
  if (started.length === 0) context.io.ok(`rule ${rule.path} has no dead letters`);
  const { io } = context;
  if (io.format === 'json' || io.format === 'yaml') await io.value(started);
  else io.lines(started.map(({ activationId }) => printableLine(textOf(activationId))));
  return 0;
};

export const discard: Handler = async (input, context) => {
  const client = await context.client();
  const rule = ruleName(input.required(0), context);
  const ids = await lettersOf(input, client, rule);
  for (const id of ids)
    await client.send({ method: 'DELETE', root: '/ward/v1', path: [...lettersPath(rule.namespace), id] });
  context.io.ok(
    `discarded ${ids.length} dead ${ids.length === 1 ? 'letter' : 'letters'} of rule ${rule.path}`,
  );
  return 0;
};

const columns: readonly Column<JsonObject>[] = [
  { title: 'failed', cell: (letter) => timeText(letter['failedAt']) },
  { title: 'id', cell: (letter) => textOf(letter['id']), isWhole: true },
  { title: 'rule', cell: (letter) => textOf(letter['rule']) },
  { title: 'action', cell: (letter) => textOf(letter['action']) },
  { title: 'attempts', cell: (letter) => textOf(letter['attempts']), align: 'right' },
  { title: 'error', cell: (letter) => textOf(letter['error']) },
  { title: 'trigger', cell: (letter) => textOf(letter['trigger']), isWide: true },
  { title: 'activation', cell: (letter) => textOf(letter['activationId']), isWide: true },
  { title: 'created', cell: (letter) => timeText(letter['createdAt']), isWide: true },
];

/** The named one, or all that the rule has now: a replayed letter can fail and come back. */
async function lettersOf(input: Input, client: ApiClient, rule: EntityName): Promise<readonly string[]> {
  const id = input.optional(1);
  if (id !== undefined) return [id];
  const ids: string[] = [];
  for (;;) {
    const page = await client.sendForList({
      method: 'GET',
      root: '/ward/v1',
      path: lettersPath(rule.namespace),
      query: { rule: rule.path, limit: pageSize, skip: ids.length },
    });
    ids.push(...page.map((letter) => textOf(letter['id'])));
    if (page.length < pageSize) return ids.filter((each) => each !== '');
  }
}

function lettersPath(namespace: string): string[] {
  return ['namespaces', namespace, 'dead-letters'];
}

function ruleName(text: string, context: Context): EntityName {
  return parseSimpleName(text, context.settings().namespace.value, 'rule');
}
