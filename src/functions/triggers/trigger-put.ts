/** Parses what a client sends to create or change a trigger, and applies it. */
import { isJsonObject, type JsonValue, randomHex } from '../../lib/index.ts';
import type { PlainRef } from '../entities/entity-row.ts';
import {
  type KeyValue,
  type Parameter,
  parseAnnotations,
  parseParameters,
  valueFor,
} from '../entities/key-values.ts';
import { isEntityName } from '../entities/names.ts';
import { checkSize, given, nextPatch, parsePublish, parseVersion } from '../entities/put-fields.ts';
import { writeTime } from '../entities/write-time.ts';
import { functionFault, malformed } from '../faults.ts';
import type { SystemLimits } from '../limits.ts';
import type { Trigger } from './trigger.ts';

interface TriggerPut {
  readonly parameters: readonly Parameter[] | undefined;
  readonly annotations: readonly KeyValue[] | undefined;
  readonly version: string | undefined;
  readonly publish: boolean | undefined;
}

/** @throws Fault BODY_INVALID, ENTITY_TOO_LARGE */
export function parseTriggerPut(body: unknown, system: SystemLimits): TriggerPut {
  if (!isJsonObject(body)) throw malformed('Object expected');
  const put: TriggerPut = {
    parameters: given(body, 'parameters', (value) => parseParameters(value, 'parameters')),
    annotations: given(body, 'annotations', parseAnnotations),
    version: given(body, 'version', parseVersion),
    publish: given(body, 'publish', parsePublish),
  };
  checkSize('parameters', put.parameters, system);
  checkSize('annotations', put.annotations, system);
  checkFeed(valueFor(put.annotations ?? [], 'feed'));
  return put;
}

export function createTrigger(ref: PlainRef, put: TriggerPut): Trigger {
  return {
    ref,
    version: put.version ?? '0.0.1',
    publish: put.publish ?? false,
    parameters: put.parameters ?? [],
    annotations: put.annotations ?? [],
    incarnation: randomHex(8),
    updated: writeTime(),
    revision: randomHex(16),
  };
}

/** The changed trigger. Fields that were not sent are kept. */
export function updateTrigger(old: Trigger, put: TriggerPut): Trigger {
  return {
    ...old,
    version: put.version ?? nextPatch(old.version),
    publish: put.publish ?? old.publish,
    parameters: put.parameters ?? old.parameters,
    annotations: put.annotations ?? old.annotations,
    updated: writeTime(old.updated),
    revision: randomHex(16),
  };
}

/** The annotation names the feed action: `name`, `ns/name` or `/ns/package/name`. @throws Fault BODY_INVALID */
function checkFeed(feed: JsonValue | undefined): void {
  if (feed === undefined) return;
  const parts = typeof feed === 'string' ? feed.split('/').filter((part) => part !== '') : [];
  if (parts.length > 0 && parts.length <= 3 && parts.every(isEntityName)) return;
  throw functionFault('BODY_INVALID', 'Feed name is not valid');
}
