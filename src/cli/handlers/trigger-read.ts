/** `ward trigger get`, `list`. */
import { isFault, type JsonObject, type JsonValue } from '../../lib/index.ts';
import type { ApiClient } from '../client.ts';
import type { Context, Handler } from '../command-spec.ts';
import {
  annotationOf,
  keyValuesText,
  namespaceOf,
  objectOf,
  pathOf,
  referenceText,
  textOf,
  timeText,
} from '../entity-fields.ts';
import { type EntityName, parseNamespace, parseSimpleName } from '../entity-name.ts';
import { summaryLines } from '../entity-summary.ts';
import { callFeed } from '../feed.ts';
import { printableLine } from '../printable.ts';
import { shownTo } from '../secrets.ts';
import type { Column } from '../table.ts';
import { resultOf } from './activation-outcome.ts';
import { listEntities } from './entity-list.ts';
import { showEntity } from './entity-show.ts';
import { feedOf } from './trigger-write.ts';

export const get: Handler = async (input, context) => {
  const name = parseSimpleName(input.required(0), context.settings().namespace.value, 'trigger');
  const client = await context.client();
  const found = await client.sendForObject({ method: 'GET', path: name.segments('triggers') });
  const trigger = shownTo(input, context.io, found);
  const feed = feedOf(trigger);
  const isWhole = input.optional(1) === undefined && !input.has('summary');
  const state = feed === undefined || !isWhole ? undefined : await readFeed(context, client, name, feed);
  return showEntity(input, context, {
    noun: 'trigger',
    name: name.path,
    entity: state === undefined ? trigger : { ...trigger, feed: state },
    fields: [
      ...fieldsOf(trigger),
      ...(feed === undefined ? [] : [['feed', feed] as const]),
      ...(state === undefined ? [] : [['feed says', JSON.stringify(state)] as const]),
    ],
    summary: summaryLines('trigger', `/${namespaceOf(trigger)}/${textOf(trigger['name'])}`, trigger),
  });
};

export const list: Handler = (input, context) => {
  const namespace = parseNamespace(input.optional(0), context.settings().namespace.value);
  return listEntities(input, context, {
    path: ['namespaces', namespace, 'triggers'],
    columns: triggerColumns,
  });
};

export const triggerColumns: readonly Column<JsonObject>[] = [
  { title: 'name', cell: (trigger) => pathOf(trigger) },
  { title: 'version', cell: (trigger) => textOf(trigger['version']) },
  { title: 'feed', cell: (trigger) => textOf(annotationOf(trigger, 'feed')) },
  { title: 'updated', cell: (trigger) => timeText(trigger['updated']) },
  { title: 'namespace', cell: (trigger) => namespaceOf(trigger), isWide: true },
];

/** An error of the feed does not hide its trigger. */
async function readFeed(
  { io, settings }: Context,
  client: ApiClient,
  trigger: EntityName,
  feed: string,
): Promise<JsonValue | undefined> {
  try {
    const call = { event: 'READ', trigger, feed, parameters: {} } as const;
    return resultOf(await callFeed(client, settings(), call));
  } catch (error) {
    if (!isFault(error)) throw error;
    io.note(`note: ${printableLine(error.message)}`);
    return undefined;
  }
}

function fieldsOf(trigger: JsonObject): (readonly [string, string])[] {
  const rules = Object.entries(objectOf(trigger['rules'])).map(([rule, value]) => {
    const { action, status } = objectOf(value);
    return `${rule.slice(rule.indexOf('/') + 1)} → ${referenceText(action)} (${textOf(status)})`;
  });
  return [
    ['name', textOf(trigger['name'])],
    ['namespace', namespaceOf(trigger)],
    ['version', textOf(trigger['version'])],
    ['updated', timeText(trigger['updated'])],
    ['rules', rules.join(', ')],
    ['parameters', keyValuesText(trigger['parameters'])],
    ['annotations', keyValuesText(trigger['annotations'])],
  ];
}
