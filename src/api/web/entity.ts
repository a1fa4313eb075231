/** Reads the body of a request into the form that an action gets. */
import { malformed } from '../../functions/index.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { parseJson } from '../body.ts';
import { decodeText, isJsonFamily, isText, type MediaType, parseMediaType } from './media-type.ts';
import { maxPairs, parsePairs } from './pairs.ts';

export type Entity =
  /** There is no body. */
  | { readonly kind: 'none' }
  /** Each field is an argument. */
  | { readonly kind: 'fields'; readonly fields: JsonObject }
  /** One value of any type. */
  | { readonly kind: 'value'; readonly value: JsonValue };

const none: Entity = { kind: 'none' };

/**
 * @param isRaw the action wants the body unchanged: text as a string, JSON and binary data as base64
 * @throws Fault BODY_NOT_JSON, BODY_TOO_DEEP, BODY_INVALID
 */
export function readEntity(
  body: Buffer | undefined,
  contentType: string | undefined,
  isRaw: boolean,
): Entity {
  if (body === undefined || body.length === 0) return none;
  const type = contentType === undefined ? undefined : parseMediaType(contentType);
  if (type === undefined) return { kind: 'value', value: body.toString('base64') };
  if (!isRaw && isJsonFamily(type)) return jsonEntity(body);
  if (!isRaw && type.essence === 'application/x-www-form-urlencoded') return formEntity(body);
  const isOpaque = type.essence === 'application/json' || !isText(type);
  return { kind: 'value', value: isOpaque ? body.toString('base64') : textOf(body, type) };
}

function jsonEntity(body: Buffer): Entity {
  const value = parseJson(body);
  if (isJsonObject(value)) return { kind: 'fields', fields: value };
  return isJsonValue(value) ? { kind: 'value', value } : none;
}

function formEntity(body: Buffer): Entity {
  const pairs = parsePairs(body.toString('utf8'));
  if (pairs !== undefined) return { kind: 'fields', fields: Object.fromEntries(pairs) };
  throw malformed(`the form is not percent-encoded UTF-8, or has more than ${maxPairs} fields`);
}

function textOf(body: Buffer, { charset }: MediaType): string {
  const text = decodeText(body, charset);
  if (text !== undefined) return text;
  throw malformed(`there is no charset '${charset?.slice(0, 64)}'`);
}

/** A JSON parser returns only JSON values. */
function isJsonValue(value: unknown): value is JsonValue {
  return value !== undefined;
}
