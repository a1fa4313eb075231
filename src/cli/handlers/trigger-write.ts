/**
 * `ward trigger create`, `update`, `delete`, and the feed beside them: a trigger whose feed can't be set up is
 * removed again; one whose feed can't be removed is deleted anyway.
 */
import { isFault, type JsonObject } from '../../lib/index.ts';
import type { ApiClient } from '../client.ts';
import type { Context, Handler } from '../command-spec.ts';
import { annotationOf, objectOf, textOf } from '../entity-fields.ts';
import { type EntityName, parseEntityName, parseSimpleName } from '../entity-name.ts';
import { cliFault } from '../faults.ts';
import { callFeed } from '../feed.ts';
import type { Input } from '../input.ts';
import { typedValues } from '../key-values.ts';
import { toKeyValues, typedPairs } from '../parameters.ts';
import { printableLine } from '../printable.ts';
import { resultOf } from './activation-outcome.ts';
import { showForPrograms } from './entity-show.ts';

export const create: Handler = async (input, context) => {
  const name = triggerName(input, context);
  await createTrigger(input, context, name);
  return 0;
};

export const update: Handler = async (input, context) => {
  const name = triggerName(input, context);
  const client = await context.client();
  const existing = await client.find({ method: 'GET', path: name.segments('triggers') });
  if (existing === undefined) {
    await createTrigger(input, context, name);
    return 0;
  }
  const feed = feedOf(existing);
  const { trigger, forFeed, annotations } = await valuesOf(input, context, feed !== undefined);
  if (feed === undefined && forFeed !== undefined)
    throw cliFault('USAGE', `trigger ${name.path} has no feed, so --feed-param has no effect`);
  const entity =
    trigger === undefined && annotations === undefined && forFeed !== undefined
      ? existing
      : await put(client, name, true, { trigger, annotations: annotations && withFeed(annotations, feed) });
  let record: JsonObject = {};
  if (feed !== undefined && forFeed !== undefined)
    record = await callFeed(client, context.settings(), {
      event: 'UPDATE',
      trigger: name,
      feed,
      parameters: forFeed,
    });
  context.io.ok(`updated trigger ${name.path}`);
  tellUrl(context, record);
  await showForPrograms(context, name.path, entity);
  return 0;
};

export const remove: Handler = async (input, context) => {
  const name = triggerName(input, context);
  const client = await context.client();
  const path = name.segments('triggers');
  const feed = feedOf(await client.sendForObject({ method: 'GET', path }));
  if (feed !== undefined) await takeDown(context, client, name, feed);
  const entity = await client.sendForObject({ method: 'DELETE', path });
  context.io.ok(`deleted trigger ${name.path}`);
  await showForPrograms(context, name.path, entity);
  return 0;
};

export function feedOf(trigger: JsonObject): string | undefined {
  const feed = annotationOf(trigger, 'feed');
  return typeof feed === 'string' && feed !== '' ? feed : undefined;
}

async function createTrigger(input: Input, context: Context, name: EntityName): Promise<void> {
  const client = await context.client();
  const settings = context.settings();
  const typedFeed = input.text('feed');
  const feed =
    typedFeed === undefined ? undefined : parseEntityName(typedFeed, settings.namespace.value).full;
  const { trigger, forFeed, annotations } = await valuesOf(input, context, feed !== undefined);
  if (feed === undefined && forFeed !== undefined)
    throw cliFault('USAGE', '--feed-param needs a feed', { hint: 'add --feed /NAMESPACE/PACKAGE/FEED' });
  const entity = await put(client, name, false, { trigger, annotations: withFeed(annotations, feed) });
  let record: JsonObject = {};
  if (feed !== undefined) {
    const call = { event: 'CREATE', trigger: name, feed, parameters: forFeed ?? {} } as const;
    record = await callFeed(client, settings, call).catch(async (error: unknown) => {
      await takeDown(context, client, name, feed);
      await told(context, client.send({ method: 'DELETE', path: name.segments('triggers') }));
      throw error;
    });
  }
  context.io.ok(`created trigger ${name.path}`);
  tellUrl(context, record);
  await showForPrograms(context, name.path, entity);
}

/** The URL of a webhook. Programs that asked for the trigger get only the trigger on stdout. */
function tellUrl({ io }: Context, record: JsonObject): void {
  const url = textOf(objectOf(resultOf(record))['url']);
  if (url === '') return;
  if (io.format === 'table' || io.format === 'wide') io.lines([printableLine(url)]);
  else io.note(`url:   ${printableLine(url)}`);
}

/** An error of the feed does not stop the deletion of its trigger. */
function takeDown(context: Context, client: ApiClient, name: EntityName, feed: string): Promise<void> {
  const call = { event: 'DELETE', trigger: name, feed, parameters: {} } as const;
  return told(context, callFeed(client, context.settings(), call));
}

/** Reports a failure of the clean-up without raising it. */
async function told({ io }: Context, attempt: Promise<unknown>): Promise<void> {
  try {
    await attempt;
  } catch (error) {
    if (!isFault(error)) throw error;
    io.note(`note: ${printableLine(error.message)}`);
  }
}

interface TriggerValues {
  readonly trigger: JsonObject | undefined;
  readonly forFeed: JsonObject | undefined;
  readonly annotations: JsonObject | undefined;
}

/** `--param` is for the feed if the trigger has one; `--feed-param` and `--trigger-param` name their target. */
async function valuesOf(input: Input, context: Context, hasFeed: boolean): Promise<TriggerValues> {
  const { parameters, annotations } = await typedValues(input, context);
  const forFeed = pairsOf(input, context, 'feedParam');
  const forTrigger = pairsOf(input, context, 'triggerParam');
  if (parameters !== undefined && (forFeed !== undefined || forTrigger !== undefined))
    throw cliFault('USAGE', '--param can’t be combined with --feed-param or --trigger-param', {
      hint: 'use --feed-param or --trigger-param for each parameter',
    });
  if (parameters === undefined) return { trigger: forTrigger, forFeed, annotations };
  return hasFeed
    ? { trigger: undefined, forFeed: parameters, annotations }
    : { trigger: parameters, forFeed: undefined, annotations };
}

function pairsOf(input: Input, { io }: Context, name: string): JsonObject | undefined {
  const pairs = input.pairs(name);
  return pairs.length === 0 ? undefined : typedPairs(pairs, io);
}

/** Annotations are replaced as a whole, so the one that names the feed is written again. */
function withFeed(annotations: JsonObject | undefined, feed: string | undefined): JsonObject | undefined {
  return feed === undefined ? annotations : { ...annotations, feed };
}

function put(
  client: ApiClient,
  name: EntityName,
  overwrite: boolean,
  values: { readonly trigger: JsonObject | undefined; readonly annotations: JsonObject | undefined },
): Promise<JsonObject> {
  const { trigger, annotations } = values;
  return client.sendForObject({
    method: 'PUT',
    path: name.segments('triggers'),
    query: { overwrite },
    body: {
      namespace: name.namespace,
      name: name.path,
      ...(trigger === undefined ? {} : { parameters: toKeyValues(trigger) }),
      ...(annotations === undefined ? {} : { annotations: toKeyValues(annotations) }),
    },
  });
}

function triggerName(input: Input, context: Context): EntityName {
  return parseSimpleName(input.required(0), context.settings().namespace.value, 'trigger');
}
