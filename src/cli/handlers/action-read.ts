/** `ward action get`, `list`. */
import { writeFile } from 'node:fs/promises';
import { errnoOf, type JsonObject, messageOf } from '../../lib/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import { annotationOf, keyValuesText, objectOf, textOf, timeText } from '../entity-fields.ts';
import { type EntityName, parseEntityName } from '../entity-name.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import type { Column } from '../table.ts';

export const get: Handler = async (input, context) => {
  const name = parseEntityName(input.required(0), context.settings().namespace.value);
  const saves = input.has('save') || input.has('saveAs');
  const client = await context.client();
  const action = await client.sendForObject({
    method: 'GET',
    path: name.segments('actions'),
    query: { code: saves },
  });
  if (saves) return save(input, context, name, action);
  const field = input.optional(1);
  if (field === undefined) {
    await context.io.record({ fields: fieldsOf(action), name: name.path, data: action });
    return 0;
  }
  const value = action[field];
  if (value === undefined)
    throw cliFault('USAGE', `an action has no field '${field}'`, {
      hint: `fields: ${Object.keys(action).join(', ')}`,
    });
  await context.io.value(value);
  return 0;
};

export const list: Handler = async (input, context) => {
  const client = await context.client();
  const actions = await client.sendForList({
    method: 'GET',
    path: scopePath(input.optional(0), context.settings().namespace.value),
    query: { limit: input.integer('limit', { max: 200 }) ?? 30, skip: input.integer('skip') ?? 0 },
  });
  const items = input.has('nameSort')
    ? actions.toSorted((a, b) => pathOf(a).localeCompare(pathOf(b)))
    : actions;
  await context.io.list({ items, columns, name: pathOf });
  return 0;
};

const columns: readonly Column<JsonObject>[] = [
  { title: 'name', cell: (action) => pathOf(action) },
  { title: 'kind', cell: (action) => kindOf(action) },
  { title: 'version', cell: (action) => textOf(action['version']) },
  { title: 'memory', cell: (action) => limitText(action, 'memory', 'MB'), align: 'right' },
  { title: 'timeout', cell: (action) => limitText(action, 'timeout', 'ms'), align: 'right' },
  { title: 'updated', cell: (action) => timeText(action['updated']) },
  { title: 'namespace', cell: (action) => namespaceOf(action), isWide: true },
  { title: 'logs', cell: (action) => limitText(action, 'logs', 'MB'), align: 'right', isWide: true },
  {
    title: 'concurrency',
    cell: (action) => limitText(action, 'concurrency', ''),
    align: 'right',
    isWide: true,
  },
  { title: 'web', cell: (action) => textOf(annotationOf(action, 'web-export')), isWide: true },
];

function fieldsOf(action: JsonObject): (readonly [string, string])[] {
  const limits = ['timeout', 'memory', 'logs', 'concurrency']
    .map((name) => `${name}=${textOf(objectOf(action['limits'])[name])}`)
    .join(' ');
  return [
    ['name', pathOf(action)],
    ['namespace', namespaceOf(action)],
    ['kind', kindOf(action)],
    ['version', textOf(action['version'])],
    ['updated', timeText(action['updated'])],
    ['limits', limits],
    ['parameters', keyValuesText(action['parameters'])],
    ['annotations', keyValuesText(action['annotations'])],
  ];
}

/** `/ns`, `/ns/pack`, `pack`: the last two end in a blank segment, the API's mark of a list. */
function scopePath(scope: string | undefined, namespace: string): string[] {
  if (scope === undefined) return ['namespaces', namespace, 'actions'];
  const parts = scope.split('/');
  const [ownNamespace, packages] = scope.startsWith('/') ? [parts[1], parts.slice(2)] : [namespace, parts];
  const [packageName, ...tooMany] = packages.filter((part) => part !== '');
  if (!ownNamespace || tooMany.length > 0)
    throw cliFault('NAME_INVALID', `'${scope}' is neither a namespace nor a package`, {
      hint: 'write /NAMESPACE, PACKAGE or /NAMESPACE/PACKAGE',
    });
  const collection = ['namespaces', ownNamespace, 'actions'];
  return packageName === undefined ? collection : [...collection, packageName, ''];
}

async function save(input: Input, context: Context, name: EntityName, action: JsonObject): Promise<number> {
  const exec = objectOf(action['exec']);
  const code = exec['code'];
  if (typeof code !== 'string') throw cliFault('NOT_FOUND', `${name.path} has no code to save`);
  const isZip = exec['binary'] === true;
  const file =
    input.text('saveAs') ?? `${name.path.split('/').at(-1)}${extensionOf(textOf(exec['kind']), isZip)}`;
  try {
    await writeFile(file, isZip ? Buffer.from(code, 'base64') : code, { flag: 'wx' });
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST')
      throw cliFault('FILE_EXISTS', `${file} exists`, { hint: 'name another with --save-as' });
    throw cliFault('FILE_NOT_WRITTEN', messageOf(cause), { cause });
  }
  context.io.ok(`saved the code of ${name.path} to ${file}`);
  return 0;
}

function extensionOf(kind: string, isZip: boolean): string {
  if (isZip) return '.zip';
  return kind.startsWith('python') ? '.py' : '.js';
}

function kindOf(action: JsonObject): string {
  return textOf(annotationOf(action, 'exec')) || textOf(objectOf(action['exec'])['kind']);
}

/** `name` or `package/name`: the API has the package as the end of the namespace. */
function pathOf(action: JsonObject): string {
  const [, ...packages] = textOf(action['namespace']).split('/');
  return [...packages, textOf(action['name'])].join('/');
}

function namespaceOf(action: JsonObject): string {
  return textOf(action['namespace']).split('/')[0] ?? '';
}

function limitText(action: JsonObject, name: string, unit: string): string {
  const value = textOf(objectOf(action['limits'])[name]);
  return value === '' || unit === '' ? value : `${value} ${unit}`;
}
