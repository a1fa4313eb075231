/** `ward list`: everything in a namespace. */
import type { JsonObject } from '../../lib/index.ts';
import type { Handler } from '../command-spec.ts';
import { annotationOf, kindOf, objectOf, pathOf, referenceText, textOf, timeText } from '../entity-fields.ts';
import { parseNamespace } from '../entity-name.ts';
import { withoutSecrets } from '../secrets.ts';

interface Listed {
  readonly type: string;
  readonly entity: JsonObject;
}

const types = ['package', 'action', 'trigger', 'rule'] as const;

export const list: Handler = async (input, context) => {
  const client = await context.client();
  const namespace = parseNamespace(input.optional(0), context.settings().namespace.value);
  const found = await Promise.all(
    types.map(async (type) => {
      const path = ['namespaces', namespace, `${type}s`];
      const entities = await client.sendForList({ method: 'GET', path, query: { limit: 0, skip: 0 } });
      const shown = entities.map((entity) => withoutSecrets(entity).entity);
      const sorted = input.has('nameSort')
        ? shown.toSorted((a, b) => pathOf(a).localeCompare(pathOf(b)))
        : shown;
      return sorted.map((entity): Listed => ({ type, entity }));
    }),
  );
  const items = found.flat();
  await context.io.list({
    items,
    columns: [
      { title: 'type', cell: ({ type }) => type },
      { title: 'name', cell: ({ entity }) => pathOf(entity) },
      { title: 'what', cell: whatOf },
      { title: 'version', cell: ({ entity }) => textOf(entity['version']) },
      { title: 'updated', cell: ({ entity }) => timeText(entity['updated']) },
    ],
    name: ({ type, entity }) => `${type}/${pathOf(entity)}`,
    data: Object.fromEntries(
      types.map((type, at) => [`${type}s`, (found[at] ?? []).map(({ entity }) => entity)]),
    ),
  });
  return 0;
};

function whatOf({ type, entity }: Listed): string {
  if (type === 'action') return kindOf(entity);
  if (type === 'trigger') return textOf(annotationOf(entity, 'feed'));
  if (type === 'rule') return `${referenceText(entity['trigger'])} → ${referenceText(entity['action'])}`;
  const { namespace, name } = objectOf(entity['binding']);
  if (name !== undefined) return `bound to /${textOf(namespace)}/${textOf(name)}`;
  return entity['publish'] === true ? 'shared' : '';
}
