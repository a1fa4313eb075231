/**
 * Whether a trigger's feed matches the project. Ward's own feeds answer READ with `config`, and are compared; feeds
 * that can't be compared are set up again with each deployment.
 */
import { isDeepStrictEqual } from 'node:util';
import { isFault, isJsonObject, type JsonObject } from '../../lib/index.ts';
import type { ApiClient } from '../client.ts';
import { annotationOf, objectOf } from '../entity-fields.ts';
import { parseSimpleName } from '../entity-name.ts';
import { callFeed } from '../feed.ts';
import type { Settings } from '../settings.ts';
import type { DesiredEntity } from './desired.ts';

interface FeedContext {
  readonly client: ApiClient;
  readonly settings: Settings;
  readonly namespace: string;
}

/** `feed.cron`, …; empty when there is no feed, or another one, which the annotation shows. */
export async function feedDifferences(
  { feed, name }: DesiredEntity,
  deployed: JsonObject,
  context: FeedContext,
): Promise<string[]> {
  if (feed === undefined || annotationOf(deployed, 'feed') !== feed.name) return [];
  const config = await readConfig(name, feed.name, context);
  if (config === undefined) return ['feed'];
  return Object.entries(feed.inputs).flatMap(([key, value]) =>
    isDeepStrictEqual(config[key], value) ? [] : [`feed.${key}`],
  );
}

async function readConfig(
  trigger: string,
  feed: string,
  { client, settings, namespace }: FeedContext,
): Promise<JsonObject | undefined> {
  try {
    const record = await callFeed(client, settings, {
      event: 'READ',
      trigger: parseSimpleName(trigger, namespace, 'trigger'),
      feed,
      parameters: {},
    });
    const { config } = objectOf(objectOf(record['response'])['result']);
    return isJsonObject(config) ? config : undefined;
  } catch (error) {
    if (isFault(error, 'FEED_FAILED')) return undefined;
    throw error;
  }
}
