/** `ward action get`, `list`. */
import type { JsonObject } from '../../lib/index.ts';
import { isWebAction } from '../action-web.ts';
import type { Handler } from '../command-spec.ts';
import {
  annotationOf,
  keyValuesText,
  kindOf,
  namespaceOf,
  objectOf,
  pathOf,
  textOf,
  timeText,
} from '../entity-fields.ts';
import { parseEntityName, parseScope } from '../entity-name.ts';
import { summaryLines } from '../entity-summary.ts';
import { cliFault } from '../faults.ts';
import { shownTo } from '../secrets.ts';
import type { Column } from '../table.ts';
import { saveCode } from './action-save.ts';
import { listEntities } from './entity-list.ts';
import { showEntity } from './entity-show.ts';

export const get: Handler = async (input, context) => {
  const { apihost, namespace } = context.settings();
  const name = parseEntityName(input.required(0), namespace.value);
  const saves = input.has('save') || input.has('saveAs');
  if (Number(saves) + Number(input.has('url')) + Number(input.has('summary')) > 1)
    throw cliFault('USAGE', '--save, --url and --summary exclude each other');
  const client = await context.client();
  const found = await client.sendForObject({
    method: 'GET',
    path: name.segments('actions'),
    query: { code: saves },
  });
  if (saves) return saveCode(context.io, name, found, input.text('saveAs'));
  if (input.has('url')) {
    context.io.lines([urlOf(apihost.value, found)]);
    return 0;
  }
  const action = shownTo(input, context.io, found);
  return showEntity(input, context, {
    noun: 'action',
    name: name.path,
    entity: action,
    fields: fieldsOf(action),
    summary: summaryLines('action', `/${namespaceOf(action)}/${pathOf(action)}`, action),
  });
};

export const list: Handler = (input, context) => {
  const scope = parseScope(input.optional(0), context.settings().namespace.value);
  const collection = ['namespaces', scope.namespace, 'actions'];
  // In the API an empty segment at the end means the list of a package.
  const path = scope.package === undefined ? collection : [...collection, scope.package, ''];
  return listEntities(input, context, { path, columns });
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
  const limits = Object.entries(objectOf(action['limits'])).map(
    ([name, value]) => `${name}=${textOf(value)}`,
  );
  const { components, image, main, runsAs } = objectOf(action['exec']);
  const steps = Array.isArray(components) ? components.map(textOf).join(', ') : undefined;
  return [
    ['name', pathOf(action)],
    ['namespace', namespaceOf(action)],
    ['kind', kindOf(action)],
    ...optional('run by', runsAs === undefined ? undefined : textOf(runsAs)),
    ...optional('components', steps),
    ...optional('image', image === undefined ? undefined : textOf(image)),
    ...optional('main', main === undefined ? undefined : textOf(main)),
    ['version', textOf(action['version'])],
    ['updated', timeText(action['updated'])],
    ['limits', limits.join(' ')],
    ['parameters', keyValuesText(action['parameters'])],
    ['annotations', keyValuesText(action['annotations'])],
  ];
}

function optional(label: string, value: string | undefined): (readonly [string, string])[] {
  return value === undefined ? [] : [[label, value]];
}

/** The URL of the action: anyone can call a web action, others need a key. */
function urlOf(apihost: string, action: JsonObject): string {
  const [packageName, name] = pathOf(action).includes('/')
    ? pathOf(action).split('/')
    : [undefined, pathOf(action)];
  const segments = isWebAction(action)
    ? ['web', namespaceOf(action), packageName ?? 'default', name ?? '']
    : [
        'namespaces',
        namespaceOf(action),
        'actions',
        ...(packageName === undefined ? [] : [packageName]),
        name ?? '',
      ];
  return `${apihost}/api/v1/${segments.map(encodeURIComponent).join('/')}`;
}

function limitText(action: JsonObject, name: string, unit: string): string {
  const value = textOf(objectOf(action['limits'])[name]);
  return value === '' || unit === '' ? value : `${value} ${unit}`;
}
