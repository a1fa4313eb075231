/** `ward rule create`, `update`, `get`, `list`, `delete`, `enable`, `disable`, `status`. */
import type { JsonObject } from '../../lib/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import { keyValuesText, namespaceOf, pathOf, referenceText, textOf, timeText } from '../entity-fields.ts';
import { type EntityName, parseEntityName, parseNamespace, parseSimpleName } from '../entity-name.ts';
import type { Input } from '../input.ts';
import { typedValues } from '../key-values.ts';
import { toKeyValues } from '../parameters.ts';
import type { Column } from '../table.ts';
import { listEntities } from './entity-list.ts';
import { showEntity, showForPrograms } from './entity-show.ts';

export const create: Handler = (input, context) => put(input, context, 'created');

export const update: Handler = (input, context) => put(input, context, 'updated');

export const get: Handler = async (input, context) => {
  const name = ruleName(input, context);
  const rule = await fetchRule(context, name);
  return showEntity(input, context, {
    noun: 'rule',
    name: name.path,
    entity: rule,
    fields: fieldsOf(rule),
    summary: [
      `rule /${namespaceOf(rule)}/${textOf(rule['name'])}: ${referenceText(rule['trigger'])} → ${referenceText(rule['action'])}`,
      `   (status: ${textOf(rule['status'])})`,
    ],
  });
};

/** A list from the API has no status, so each rule is fetched for its own. */
export const list: Handler = async (input, context) => {
  const namespace = parseNamespace(input.optional(0), context.settings().namespace.value);
  const path = ['namespaces', namespace, 'rules'];
  const client = await context.client();
  return listEntities(input, context, {
    path,
    columns: ruleColumns,
    complete: async (rule) =>
      // A rule that was deleted meanwhile is shown without it.
      (await client.find({ method: 'GET', path: [...path, textOf(rule['name'])] })) ?? rule,
  });
};

export const remove: Handler = async (input, context) => {
  const name = ruleName(input, context);
  const client = await context.client();
  if (input.has('disable')) await setStatus(context, name, 'inactive');
  const entity = await client.sendForObject({ method: 'DELETE', path: name.segments('rules') });
  context.io.ok(`deleted rule ${name.path}`);
  await showForPrograms(context, name.path, entity);
  return 0;
};

export const enable: Handler = async (input, context) => {
  const name = ruleName(input, context);
  await setStatus(context, name, 'active');
  context.io.ok(`enabled rule ${name.path}`);
  return 0;
};

export const disable: Handler = async (input, context) => {
  const name = ruleName(input, context);
  await setStatus(context, name, 'inactive');
  context.io.ok(`disabled rule ${name.path}`);
  return 0;
};

export const status: Handler = async (input, context) => {
  const rule = await fetchRule(context, ruleName(input, context));
  const { io } = context;
  if (io.format === 'json' || io.format === 'yaml') await io.value(rule['status'] ?? null);
  else io.lines([textOf(rule['status'])]);
  return 0;
};

export const ruleColumns: readonly Column<JsonObject>[] = [
  { title: 'name', cell: (rule) => pathOf(rule) },
  { title: 'status', cell: (rule) => textOf(rule['status']) },
  { title: 'trigger', cell: (rule) => referenceText(rule['trigger']) },
  { title: 'action', cell: (rule) => referenceText(rule['action']) },
  { title: 'version', cell: (rule) => textOf(rule['version']) },
  { title: 'updated', cell: (rule) => timeText(rule['updated']) },
  { title: 'namespace', cell: (rule) => namespaceOf(rule), isWide: true },
];

async function put(input: Input, context: Context, done: 'created' | 'updated'): Promise<number> {
  const namespace = context.settings().namespace.value;
  const name = ruleName(input, context);
  const { annotations } = await typedValues(input, context);
  const client = await context.client();
  const entity = await client.sendForObject({
    method: 'PUT',
    path: name.segments('rules'),
    query: { overwrite: done === 'updated' },
    body: {
      name: name.path,
      trigger: parseSimpleName(input.required(1), namespace, 'trigger').full,
      action: parseEntityName(input.required(2), namespace).full,
      ...(annotations === undefined ? {} : { annotations: toKeyValues(annotations) }),
    },
  });
  context.io.ok(`${done} rule ${name.path}`);
  await showForPrograms(context, name.path, entity);
  return 0;
}

async function setStatus(context: Context, name: EntityName, status: 'active' | 'inactive'): Promise<void> {
  const client = await context.client();
  await client.send({ method: 'POST', path: name.segments('rules'), body: { status } });
}

async function fetchRule(context: Context, name: EntityName): Promise<JsonObject> {
  const client = await context.client();
  return client.sendForObject({ method: 'GET', path: name.segments('rules') });
}

function ruleName(input: Input, context: Context): EntityName {
  return parseSimpleName(input.required(0), context.settings().namespace.value, 'rule');
}

function fieldsOf(rule: JsonObject): (readonly [string, string])[] {
  return [
    ['name', textOf(rule['name'])],
    ['namespace', namespaceOf(rule)],
    ['status', textOf(rule['status'])],
    ['trigger', referenceText(rule['trigger'])],
    ['action', referenceText(rule['action'])],
    ['version', textOf(rule['version'])],
    ['updated', timeText(rule['updated'])],
    ['annotations', keyValuesText(rule['annotations'])],
  ];
}
