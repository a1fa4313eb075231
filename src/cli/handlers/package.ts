/** `ward package create`, `update`, `bind`, `get`, `list`, `delete`. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import { keyValuesText, namespaceOf, objectOf, pathOf, textOf, timeText } from '../entity-fields.ts';
import { type EntityName, parseNamespace, parseSimpleName } from '../entity-name.ts';
import { summaryLines } from '../entity-summary.ts';
import type { Input } from '../input.ts';
import { typedValues } from '../key-values.ts';
import { toKeyValues } from '../parameters.ts';
import { shownTo } from '../secrets.ts';
import type { Column } from '../table.ts';
import { listEntities } from './entity-list.ts';
import { showEntity, showForPrograms } from './entity-show.ts';

export const create: Handler = (input, context) => write(input, context, 'created');

export const update: Handler = (input, context) => write(input, context, 'updated');

export const bind: Handler = async (input, context) => {
  const provider = nameOf(input.required(0), context);
  const name = nameOf(input.required(1), context);
  await put(input, context, name, {
    overwrite: false,
    fields: { binding: { namespace: provider.namespace, name: provider.path } },
    done: `created binding ${name.path} of ${provider.full}`,
  });
  return 0;
};

export const get: Handler = async (input, context) => {
  const name = nameOf(input.required(0), context);
  const client = await context.client();
  const found = await client.sendForObject({ method: 'GET', path: name.segments('packages') });
  const entity = shownTo(input, context.io, found);
  const full = `/${namespaceOf(entity)}/${textOf(entity['name'])}`;
  return showEntity(input, context, {
    noun: 'package',
    name: name.path,
    entity,
    fields: fieldsOf(entity),
    summary: [
      ...summaryLines('package', full, entity),
      ...membersOf(entity, 'actions').flatMap((action) => memberLines(' action', full, action)),
      ...membersOf(entity, 'feeds').flatMap((feed) => memberLines(' feed', full, feed)),
    ],
  });
};

export const list: Handler = (input, context) => {
  const namespace = parseNamespace(input.optional(0), context.settings().namespace.value);
  return listEntities(input, context, {
    path: ['namespaces', namespace, 'packages'],
    columns: packageColumns,
  });
};

export const remove: Handler = async (input, context) => {
  const name = nameOf(input.required(0), context);
  const client = await context.client();
  const entity = await client.sendForObject({
    method: 'DELETE',
    path: name.segments('packages'),
    query: { force: input.has('recursive') ? true : undefined },
  });
  context.io.ok(`deleted package ${name.path}${input.has('recursive') ? ' with all that was in it' : ''}`);
  await showForPrograms(context, name.path, entity);
  return 0;
};

export const packageColumns: readonly Column<JsonObject>[] = [
  { title: 'name', cell: (entity) => pathOf(entity) },
  { title: 'version', cell: (entity) => textOf(entity['version']) },
  { title: 'shared', cell: (entity) => (entity['publish'] === true ? 'yes' : 'no') },
  { title: 'bound to', cell: (entity) => bindingText(entity['binding']) },
  { title: 'updated', cell: (entity) => timeText(entity['updated']) },
  { title: 'namespace', cell: (entity) => namespaceOf(entity), isWide: true },
];

async function write(input: Input, context: Context, done: 'created' | 'updated'): Promise<number> {
  const name = nameOf(input.required(0), context);
  const publish = input.boolean('shared');
  await put(input, context, name, {
    overwrite: done === 'updated',
    fields: publish === undefined ? {} : { publish },
    done: `${done} package ${name.path}`,
  });
  return 0;
}

async function put(
  input: Input,
  context: Context,
  name: EntityName,
  write: { readonly overwrite: boolean; readonly fields: JsonObject; readonly done: string },
): Promise<void> {
  const { parameters, annotations } = await typedValues(input, context);
  const client = await context.client();
  const entity = await client.sendForObject({
    method: 'PUT',
    path: name.segments('packages'),
    query: { overwrite: write.overwrite },
    body: {
      namespace: name.namespace,
      name: name.path,
      ...write.fields,
      ...(parameters === undefined ? {} : { parameters: toKeyValues(parameters) }),
      ...(annotations === undefined ? {} : { annotations: toKeyValues(annotations) }),
    },
  });
  context.io.ok(write.done);
  await showForPrograms(context, name.path, entity);
}

function nameOf(text: string, context: Context): EntityName {
  return parseSimpleName(text, context.settings().namespace.value, 'package');
}

function fieldsOf(entity: JsonObject): (readonly [string, string])[] {
  const names = (field: string) =>
    membersOf(entity, field)
      .map((member) => textOf(member['name']))
      .join(', ');
  return [
    ['name', textOf(entity['name'])],
    ['namespace', namespaceOf(entity)],
    ['version', textOf(entity['version'])],
    ['updated', timeText(entity['updated'])],
    ['shared', entity['publish'] === true ? 'yes' : 'no'],
    ['bound to', bindingText(entity['binding'])],
    ['actions', names('actions')],
    ['feeds', names('feeds')],
    ['parameters', keyValuesText(entity['parameters'])],
    ['annotations', keyValuesText(entity['annotations'])],
  ];
}

function bindingText(binding: JsonValue | undefined): string {
  const { namespace, name } = objectOf(binding);
  return name === undefined ? '' : `/${textOf(namespace)}/${textOf(name)}`;
}

function membersOf(entity: JsonObject, field: string): JsonObject[] {
  const list = entity[field];
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
}

function memberLines(noun: string, packageName: string, member: JsonObject): string[] {
  return summaryLines(noun, `${packageName}/${textOf(member['name'])}`, member);
}
