/** Media types: which hold text, which hold JSON, how Ward reads and sends their text, and which ones a client accepts. */
import { MIMEType } from 'node:util';

export interface MediaType {
  /** `type/subtype` in lower case. */
  readonly essence: string;
  /** Without its charset. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
  readonly charset: string | undefined;
}

/** Returns undefined for text that is not a media type. */
export function parseMediaType(text: string): MediaType | undefined {
  try {
    const { essence, params } = new MIMEType(text);
    const parameters = [...params].filter(([name]) => name !== 'charset');
    return { essence, parameters, charset: params.get('charset') ?? undefined };
  } catch {
    return undefined;
  }
}

export function isJsonFamily({ essence }: MediaType): boolean {
  return essence === 'application/json' || essence.endsWith('+json');
}

/** Types of `application/` whose content is text; answers treat every `+json` type as text. */
const textTypes = new Set(
  (
    'atom+xml base64 javascript json json-patch+json merge-patch+json problem+json rss+xml soap+xml ' +
    'vnd.api+json vnd.google-earth.kml+xml x-latex x-vrml x-www-form-urlencoded xhtml+xml xml-dtd xml problem+xml'
  )
    .split(' ')
    .map((subtype) => `application/${subtype}`),
);

/** JSON carries other content as base64. A type that names a charset is text. */
export function isText(type: MediaType): boolean {
  const { essence, charset } = type;
  return essence.startsWith('text/') || textTypes.has(essence) || charset !== undefined;
}

/** XML never looks like base64, so results may have it as text or as base64. */
export function isXmlFamily({ essence }: MediaType): boolean {
  return essence.endsWith('+xml');
}

/** Formats a header's value; `application/json` is UTF-8 by definition, so it names no charset. */
export function formatMediaType(type: MediaType, charset?: 'UTF-8'): string {
  const parameters =
    charset === undefined ? type.parameters : [...type.parameters, ['charset', charset] as const];
  return [type.essence, ...parameters.map(([name, value]) => `${name}=${quoted(value)}`)].join('; ');
}

/** Returns undefined for an unknown charset. */
export function decodeText(bytes: Buffer, charset = 'utf-8'): string | undefined {
  if (/^utf-?8$/i.test(charset)) return bytes.toString('utf8');
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return undefined;
  }
}

function quoted(value: string): string {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
}
