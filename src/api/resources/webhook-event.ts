/** Turns a webhook's request into the trigger's payload: its method, query, headers and body, as JSON. */
import type { IncomingHttpHeaders } from 'node:http';
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import { apiFault } from '../faults.ts';
import { readEntity } from '../web/entity.ts';
import { isJsonFamily, parseMediaType } from '../web/media-type.ts';
import { parsePairs } from '../web/pairs.ts';
import { splitUrl } from '../web/target.ts';

interface WebhookRequest {
  readonly method: string;
  /** As in the request line. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer | undefined;
}

/**
 * Headers that the trigger and its records must not get: credentials for this server or for a proxy, signatures that would
 * allow a replay, and headers of the connection.
 */
const heldBack = new Set([
  'authorization',
  'connection',
  'content-length',
  'cookie',
  'expect',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-hub-signature',
  'x-hub-signature-256',
  'x-ward-signature',
]);

/** @throws Fault BODY_TYPE_UNSUPPORTED, BODY_NOT_JSON, BODY_TOO_DEEP, BODY_INVALID, QUERY_INVALID */
export function webhookEvent({ method, url, headers, body }: WebhookRequest): JsonObject {
  return {
    method: method.toLowerCase(),
    query: queryOf(url),
    headers: headersOf(headers),
    body: bodyOf(body, headers['content-type']),
  };
}

function bodyOf(body: Buffer | undefined, contentType = ''): JsonValue {
  if (body === undefined || body.length === 0) return null;
  if (!isReadable(contentType)) {
    throw apiFault('BODY_TYPE_UNSUPPORTED', 'The body of a webhook must be JSON, a form or text.');
  }
  const entity = readEntity(body, contentType, false);
  if (entity.kind === 'fields') return entity.fields;
  return entity.kind === 'value' ? entity.value : null;
}

function isReadable(contentType: string): boolean {
  const type = parseMediaType(contentType);
  if (type === undefined) return false;
  const { essence } = type;
  return isJsonFamily(type) || essence.startsWith('text/') || essence === 'application/x-www-form-urlencoded';
}

function queryOf(url: string): JsonObject {
  const pairs = parsePairs(splitUrl(url).query);
  if (pairs !== undefined) return Object.fromEntries(pairs);
  throw apiFault('QUERY_INVALID', "The request's query is not percent-encoded UTF-8.");
}

function headersOf(headers: IncomingHttpHeaders): JsonObject {
  const fields = Object.entries(headers).filter(([name]) => !heldBack.has(name));
  return Object.fromEntries(
    fields.map(([name, value = '']) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}
