/** What Ward knows of a kind of destination: its settings, where it is, and how events are written for it. */
import { z } from 'zod';
import type { HostAndPort } from '../egress/index.ts';
import type { LogEvent } from './log-event.ts';

export interface Endpoint extends HostAndPort {
  readonly isTls: boolean;
}

/** What is sent at once. */
export type Message =
  | {
      readonly type: 'http';
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string | Buffer;
    }
  /** Bytes of a connection without answers. */
  | { readonly type: 'stream'; readonly body: string };

export interface Channel {
  readonly endpoint: Endpoint;
  /** @param now epoch milliseconds */
  message(events: readonly LogEvent[], now: number): Message | Promise<Message>;
}

export interface Form {
  readonly schema: z.ZodType<Readonly<Record<string, unknown>>>;
  /** Settings that are never shown again. */
  readonly secrets: readonly string[];
  /** @param settings of the schema */
  open(settings: unknown): Channel;
}

/** Keeps the type of the settings between the schema and its use. */
export function formOf<Shape extends z.ZodRawShape>(
  shape: Shape,
  secrets: readonly (keyof Shape & string)[],
  open: (settings: z.output<z.ZodObject<Shape>>) => Channel,
): Form {
  const schema = z.strictObject(shape);
  return {
    schema: schema as unknown as Form['schema'],
    secrets,
    open: (settings) => open(schema.parse(settings) as z.output<z.ZodObject<Shape>>),
  };
}

/** A key or token: visible ASCII, so that it can't end a header. */
export const secretText = z.string().regex(/^[\x21-\x7e]{1,500}$/, 'not a key');

/** A port, also as the text that Adobe's tools send. */
export const portNumber = z.union([z.int(), z.string().regex(/^\d{1,5}$/)]).refine((port) => {
  const number = Number(port);
  return number >= 1 && number <= 65_535;
}, 'not a port');

/** An `https:` or `http:` URL without credentials. Only its host, port and path are used, so it can't have more. */
export const httpUrl = z
  .string()
  .max(500)
  .refine((text) => {
    const url = URL.parse(text);
    return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  }, 'not an http or https URL')
  .refine((text) => !/[?#]/.test(text), 'a URL with a query or a fragment; keys go in headers');

/** @param text a checked URL */
export function endpointOf(text: string): Endpoint & { readonly path: string } {
  const { protocol, hostname, port, pathname } = new URL(text);
  const isTls = protocol === 'https:';
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isTls ? 443 : 80) : Number(port),
    isTls,
    path: pathname.replace(/\/+$/, ''),
  };
}
