/**
 * The client's part of a feed's life cycle: invokes the feed's action when its trigger changes. Ward's own feeds and
 * other feeds work the same.
 */
import type { JsonObject } from '../lib/index.ts';
import type { ApiClient } from './client.ts';
import { objectOf, textOf } from './entity-fields.ts';
import { type EntityName, parseEntityName } from './entity-name.ts';
import { cliFault } from './faults.ts';
import type { Settings } from './settings.ts';

export type LifecycleEvent = 'CREATE' | 'READ' | 'UPDATE' | 'DELETE';

interface FeedCall {
  readonly event: LifecycleEvent;
  readonly trigger: EntityName;
  /** `/ns/pack/feed`, `pack/feed`. */
  readonly feed: string;
  readonly parameters: JsonObject;
}

/** A feed sometimes has to talk to its source. */
const feedTimeoutMs = 120_000;

/** Returns the feed's record. @throws Fault FEED_FAILED when it answers with an error, or too late; NAME_INVALID */
export async function callFeed(client: ApiClient, settings: Settings, call: FeedCall): Promise<JsonObject> {
  const feed = parseEntityName(call.feed, settings.namespace.value);
  const { status, body } = await client.send({
    method: 'POST',
    path: feed.segments('actions'),
    query: { blocking: true, result: false },
    body: {
      ...call.parameters,
      lifecycleEvent: call.event,
      triggerName: call.trigger.full,
      authKey: settings.auth?.value ?? '',
    },
    timeoutMs: feedTimeoutMs,
    accepts: [500, 502],
  });
  const record = objectOf(body);
  const response = objectOf(record['response']);
  if (status < 300 && status !== 202 && response['success'] === true) return record;
  const id = textOf(record['activationId']);
  throw cliFault('FEED_FAILED', `the feed ${feed.full} failed at ${call.event} of ${call.trigger.full}`, {
    cause: new Error(status === 202 ? 'it has not answered in time' : reasonOf(record)),
    ...(id === '' ? {} : { hint: `ward activation get ${id}` }),
  });
}

function reasonOf(record: JsonObject): string {
  const { error } = objectOf(objectOf(record['response'])['result']);
  const said = error ?? record['error'];
  return textOf(said) || JSON.stringify(said ?? null);
}
