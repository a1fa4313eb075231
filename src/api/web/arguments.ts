/**
 * Builds an action's arguments from an HTTP request: query and body fields under their own names, and the request
 * itself as `__ow_…`. A raw action gets query and body unchanged, and no arguments from them.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { functionFault } from '../../functions/index.ts';
import type { JsonObject } from '../../lib/index.ts';
import { apiFault } from '../faults.ts';
import { type Entity, readEntity } from './entity.ts';
import { parsePairs } from './pairs.ts';

export interface ArgumentsInput {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** The rest of the URL's path after the action, percent-encoded. */
  readonly path: string;
  /** Without the question mark, percent-encoded. */
  readonly query: string;
  readonly body: Buffer | undefined;
  /** Subject of the caller's token, or namespace of the caller's key if it may call. */
  readonly user: string | undefined;
  /** Of the caller's bearer token, if the action demands one. */
  readonly claims: JsonObject | undefined;
  /** Whether the caller sent a key of the platform. */
  readonly hasKey: boolean;
  readonly isRaw: boolean;
  /** Parameters of the action that no request may set. */
  readonly finalKeys: ReadonlySet<string>;
  /** Parts of a gateway's path by their names. They override what the request sends. */
  readonly pathParameters: JsonObject;
}

export const reservedNames: ReadonlySet<string> = new Set([
  '__ow_method',
  '__ow_headers',
  '__ow_path',
  '__ow_user',
  '__ow_claims',
  '__ow_query',
  '__ow_body',
]);

/** @throws Fault QUERY_INVALID, PARAMETERS_NOT_ALLOWED, BODY_NOT_JSON, BODY_TOO_DEEP, BODY_INVALID */
export function webArguments(input: ArgumentsInput): JsonObject {
  const { isRaw, query, body, headers } = input;
  const entity = readEntity(body, headers['content-type'], isRaw);
  if (isRaw) return { ...metadata(input), __ow_query: query, __ow_body: valueIn(entity) ?? '' };
  const sent = { ...queryFields(query), ...(entity.kind === 'fields' ? entity.fields : {}) };
  const { finalKeys, pathParameters } = input;
  if (Object.keys(sent).some((key) => reservedNames.has(key) || finalKeys.has(key))) throw notAllowed();
  const value = valueIn(entity);
  return {
    ...metadata(input),
    ...sent,
    ...(value === undefined ? {} : { __ow_body: value }),
    ...Object.fromEntries(Object.entries(pathParameters).filter(([key]) => !finalKeys.has(key))),
  };
}

function metadata({ method, headers, path, user, claims, hasKey }: ArgumentsInput): JsonObject {
  return {
    __ow_method: method.toLowerCase(),
    __ow_headers: headerFields(headers, hasKey),
    __ow_path: path,
    ...(user === undefined ? {} : { __ow_user: user }),
    ...(claims === undefined ? {} : { __ow_claims: claims }),
  };
}

/** Withholds a key of this platform, which opens a whole namespace, from the code of another owner. */
function headerFields(headers: IncomingHttpHeaders, hasKey: boolean): JsonObject {
  const fields: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || (hasKey && name === 'authorization')) continue;
    fields.push([name, Array.isArray(value) ? value.join(', ') : value]);
  }
  return Object.fromEntries(fields);
}

function queryFields(query: string): JsonObject {
  const pairs = parsePairs(query);
  if (pairs !== undefined) return Object.fromEntries(pairs);
  throw apiFault('QUERY_INVALID', "The request's query is not percent-encoded UTF-8.");
}

function valueIn(entity: Entity) {
  return entity.kind === 'value' ? entity.value : undefined;
}

function notAllowed() {
  return functionFault(
    'PARAMETERS_NOT_ALLOWED',
    'Request defines parameters that are not allowed (e.g., reserved properties).',
  );
}
