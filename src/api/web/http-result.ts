/** Shapes results for the extension `.http`: the result is itself an HTTP answer, `{statusCode, headers, body}`. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { type AnswerHeaders, type Content, prettyJson, type Shaped, type WebRefusal } from './answer.ts';
import {
  formatMediaType,
  isJsonFamily,
  isText,
  isXmlFamily,
  type MediaType,
  parseMediaType,
} from './media-type.ts';
import { resultHeaders } from './result-headers.ts';

const notHttp: WebRefusal = { status: 400, error: "Response is not valid 'message/http'." };
const unknownType: WebRefusal = { status: 400, error: 'Response did not specify a known content-type.' };
const wrongType: WebRefusal = {
  status: 400,
  error: 'Response type in header did not match generated content type.',
};

const jsonType: MediaType = { essence: 'application/json', parameters: [], charset: undefined };
const htmlType: MediaType = { essence: 'text/html', parameters: [], charset: undefined };

export function shapeHttp(result: JsonValue): Shaped {
  if (!isJsonObject(result)) return notHttp;
  const all = resultHeaders(own(result, 'headers'));
  const statusCode = own(result, 'statusCode');
  const status = statusCode === undefined ? undefined : parseStatus(statusCode);
  if (all === undefined || status === null) return notHttp;
  const { 'content-type': type, ...headers } = all;
  const body = own(result, 'body');
  if (body === undefined || body === null || body === '') return empty(status ?? 204, headers);
  const declared = type === undefined ? undefined : parseMediaType(first(type));
  const shaped =
    typeof body === 'string'
      ? shapeString(body, type === undefined ? htmlType : declared)
      : shapeJson(body, type === undefined ? jsonType : declared);
  if ('error' in shaped) return shaped;
  const content: Content = { status: status ?? 200, headers, ...shaped };
  return mayHaveBody(content.status) ? content : empty(content.status, headers);
}

type Body = Pick<Content, 'contentType' | 'body'>;

function shapeString(text: string, type: MediaType | undefined): Body | WebRefusal {
  if (type === undefined) return unknownType;
  if (isJsonFamily(type)) {
    const body = isJsonScalar(text) ? text : (decodeBase64(text, { mustBePadded: true }) ?? text);
    return { contentType: formatMediaType(type), body };
  }
  if (isText(type)) return { contentType: formatMediaType(type, 'UTF-8'), body: text };
  const bytes = decodeBase64(text, { mustBePadded: false });
  if (bytes !== undefined) return { contentType: formatMediaType(type), body: bytes };
  return isXmlFamily(type) ? { contentType: formatMediaType(type), body: text } : wrongType;
}

function shapeJson(value: JsonValue, type: MediaType | undefined): Body | WebRefusal {
  if (type === undefined || !isJsonFamily(type)) return wrongType;
  return { contentType: formatMediaType(type), body: prettyJson(value) };
}

function empty(status: number, headers: AnswerHeaders): Content {
  return { status, headers, contentType: undefined, body: undefined };
}

/**
 * Reads a whole number or the text of one; 1xx is not a final answer. Returns null for anything else.
 * (RFC 9110, section 15: three digits, first digits past 5 are invalid.)
 */
function parseStatus(value: JsonValue): number | null {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^\d{3}$/.test(value));
  const status = isNumber ? Number(value) : Number.NaN;
  return Number.isInteger(status) && status >= 200 && status <= 599 ? status : null;
}

/** RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5. */
function mayHaveBody(status: number): boolean {
  return status !== 204 && status !== 205 && status !== 304;
}

/** Matches JSON that looks like base64, but does not decode to JSON. */
function isJsonScalar(text: string): boolean {
  return /^(?:true|null|\d{1,308})$/.test(text);
}

/** Returns undefined for text that is not base64. */
function decodeBase64(
  text: string,
  { mustBePadded }: { readonly mustBePadded: boolean },
): Buffer | undefined {
  const digits = /^([A-Za-z0-9+/]*)={0,2}$/.exec(text)?.[1];
  if (digits === undefined || digits.length % 4 === 1) return undefined;
  const isWhole = text.length % 4 === 0;
  // Padding is all or nothing.
  if (!isWhole && (mustBePadded || text.length > digits.length)) return undefined;
  return Buffer.from(text, 'base64');
}

function own(result: JsonObject, field: string): JsonValue | undefined {
  return Object.hasOwn(result, field) ? result[field] : undefined;
}

function first(value: string | readonly string[]): string {
  return typeof value === 'string' ? value : (value[0] ?? '');
}
