/**
 * The API's client: sends one JSON request and reads one JSON answer, both bounded, or a stream of events. Each kind
 * of failure is a Fault with its own code. Traces never contain keys.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isJsonObject, type JsonObject, type JsonValue } from '../lib/index.ts';
import { answerFault, proxyFault, transportFault } from './client-faults.ts';
import { type StreamEvent, streamEvents } from './event-stream.ts';
import { cliFault } from './faults.ts';
import { type Exchange, openExchange, readText } from './http-exchange.ts';
import { lookUpMs, namingMissing } from './missing.ts';
import type { Setting, Settings } from './settings.ts';
import { createTracer, type Tracer } from './trace.ts';

/** Uploading tens of megabytes of code over a slow line takes longer than other requests. */
export const uploadTimeoutMs = 300_000;

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

export interface ApiRequest {
  readonly method: Method;
  /** Segments below `root`, not encoded. */
  readonly path: readonly string[];
  /** `/api/v1` by default. */
  readonly root?: '/api/v1' | '/ward/v1' | '';
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: JsonObject;
  /** A form, instead of a body. */
  readonly form?: Readonly<Record<string, string>>;
  /** Time for the whole answer. */
  readonly timeoutMs?: number;
  /** Statuses above 299 that count as answers, not as faults. */
  readonly accepts?: readonly number[];
  /** Needs no key. */
  readonly isPublic?: boolean;
  /** The `ETag` that the server's revision must have. */
  readonly ifMatch?: string;
  /** The request's id for the server. */
  readonly requestId?: string;
  /** Ends the wait for the answer. */
  readonly signal?: AbortSignal;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: JsonValue;
}

/** Where the client writes its messages. */
export interface ClientTalk {
  readonly trace: (line: string) => void;
  /** Receives warnings about requests that the server accepted anyway. */
  readonly warn: (text: string) => void;
}

/** The header with the server's warnings. */
const warningHeader = 'x-ward-warning';
const defaultTimeoutMs = 30_000;
/** The reader of a stream reopens it after a longer silence. */
const streamIdleMs = 120_000;
const maxAnswerBytes = 64 * 1024 * 1024;
const maxErrorText = 500;

export class ApiClient {
  readonly #settings: Settings;
  readonly #talk: ClientTalk;
  readonly #trace: Tracer;

  constructor(settings: Settings, talk: ClientTalk) {
    this.#settings = settings;
    this.#talk = talk;
    this.#trace = createTracer(talk.trace, settings.auth?.value);
  }

  /** The client of another key at the same server. */
  withKey(auth: Setting): ApiClient {
    return new ApiClient({ ...this.#settings, auth }, this.#talk);
  }

  /** @throws Fault NO_KEY, KEY_REFUSED, NOT_FOUND, SERVER_UNREACHABLE, … */
  async send(call: ApiRequest): Promise<ApiAnswer> {
    const auth = this.#authFor(call);
    const url = urlOf(this.#settings.apihost.value, call);
    const timeoutMs = call.timeoutMs ?? defaultTimeoutMs;
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = call.signal === undefined ? timeout : AbortSignal.any([timeout, call.signal]);
    const raw = await this.#exchange(url, call, auth, signal).catch((error: unknown) => {
      throw transportFault(error, url, timeoutMs);
    });
    const answer = { status: raw.status, headers: raw.headers, body: parseBody(raw, url) };
    const warning = raw.headers[warningHeader];
    if (typeof warning === 'string') this.#talk.warn(warning);
    if (raw.status < 300 || call.accepts?.includes(raw.status)) return answer;
    const fault = answerFault(answer, `${call.method} ${url.pathname}`, auth);
    throw await namingMissing(fault, call, answer.body, (path) => this.#lookUp(path));
  }

  /** Lists the existing entities beside a missing one. A 404 here starts no further look-up. */
  async #lookUp(path: readonly string[]): Promise<readonly JsonObject[]> {
    const call = { method: 'GET', path, query: { limit: 0 }, timeoutMs: lookUpMs, accepts: [404] } as const;
    const { status, body } = await this.send(call);
    if (status === 404 || !Array.isArray(body)) throw cliFault('NOT_FOUND', 'this list does not exist');
    return body.filter(isJsonObject);
  }

  /** `send`, for an answer that must be an object. */
  async sendForObject(call: ApiRequest): Promise<JsonObject> {
    const { body } = await this.send(call);
    if (isJsonObject(body)) return body;
    throw this.#strange('something other than an object');
  }

  /** `send`, for an answer that must be a list of objects. */
  async sendForList(call: ApiRequest): Promise<JsonObject[]> {
    const { body } = await this.send(call);
    if (Array.isArray(body)) return body.filter(isJsonObject);
    throw this.#strange('something other than a list');
  }

  /** `sendForObject`; undefined when it does not exist. */
  async find(call: ApiRequest): Promise<JsonObject | undefined> {
    const answer = await this.send({ ...call, accepts: [...(call.accepts ?? []), 404] });
    if (answer.status === 404) return undefined;
    if (isJsonObject(answer.body)) return answer.body;
    throw this.#strange('something other than an object');
  }

  /** Server-sent events of `GET path`, up to the end of the stream. @throws Faults as `send` does */
  async *events(path: readonly string[], signal?: AbortSignal): AsyncGenerator<StreamEvent> {
    const call: ApiRequest = { method: 'GET', path };
    const auth = this.#authFor(call);
    const url = urlOf(this.#settings.apihost.value, call);
    const idle = createIdleSignal(streamIdleMs);
    try {
      // Errors are JSON here as well.
      const accept = 'text/event-stream, application/json';
      const ends = signal === undefined ? idle.signal : AbortSignal.any([idle.signal, signal]);
      const response = await this.#open(url, call, auth, ends, accept);
      if (response.status >= 300) {
        const raw = { ...response, text: await readText(response, maxAnswerBytes) };
        throw answerFault({ ...raw, body: parseBody(raw, url) }, `GET ${url.pathname}`, auth);
      }
      for await (const event of streamEvents(response.body)) {
        idle.push();
        yield event;
      }
    } catch (error) {
      throw transportFault(error, url, streamIdleMs);
    } finally {
      idle.end();
    }
  }

  async #exchange(url: URL, call: ApiRequest, auth: Setting | undefined, signal: AbortSignal) {
    const response = await this.#open(url, call, auth, signal, 'application/json');
    const text = await readText(response, maxAnswerBytes);
    this.#trace.answer(response.status, response.headers, call.form === undefined ? text : hidden);
    return { status: response.status, headers: response.headers, text };
  }

  #open(
    url: URL,
    call: ApiRequest,
    auth: Setting | undefined,
    signal: AbortSignal,
    accept: string,
  ): Promise<Exchange> {
    const body = bodyOf(call);
    const headers = {
      ...(auth === undefined ? {} : { Authorization: `Basic ${Buffer.from(auth.value).toString('base64')}` }),
      Accept: accept,
      'User-Agent': 'ward-cli',
      ...(body === undefined ? {} : { 'Content-Type': call.form === undefined ? json : form }),
      ...(call.ifMatch === undefined ? {} : { 'If-Match': call.ifMatch }),
      ...(call.requestId === undefined ? {} : { 'X-Request-Id': call.requestId }),
    };
    // Forms hold tokens, and answers to them keys.
    this.#trace.request(call.method, url, headers, call.form === undefined ? body : hidden);
    const { insecure } = this.#settings;
    return openExchange({ url, method: call.method, headers, body, signal, insecure });
  }

  #authFor(call: ApiRequest): Setting | undefined {
    const { auth, apihost } = this.#settings;
    if (call.isPublic) return undefined;
    if (auth !== undefined) return auth;
    throw cliFault('NO_KEY', `no key for ${apihost.value}`, {
      hint: 'ward property set --auth KEY; on the server itself `ward up` makes a key, readable by its user',
    });
  }

  #strange(what: string) {
    return cliFault('SERVER_NOT_WARD', `${this.#settings.apihost.value} answered with ${what}`);
  }
}

const hidden = '[redacted]';
const json = 'application/json';
const form = 'application/x-www-form-urlencoded';

function bodyOf(call: ApiRequest): string | undefined {
  if (call.form !== undefined) return new URLSearchParams(call.form).toString();
  return call.body === undefined ? undefined : JSON.stringify(call.body);
}

interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

function urlOf(apihost: string, call: ApiRequest): URL {
  const { root = '/api/v1' } = call;
  const url = new URL(`${apihost}${[root, ...call.path.map(encodeURIComponent)].join('/')}`);
  for (const [name, value] of Object.entries(call.query ?? {}))
    if (value !== undefined) url.searchParams.set(name, String(value));
  return url;
}

/** Web actions can answer errors in plain text; other text that is not JSON does not come from Ward. */
function parseBody(raw: RawAnswer, url: URL): JsonValue {
  const body = raw.text.trim() === '' ? null : parseJson(raw.text);
  if (body !== undefined && body !== null) return body;
  const fault = proxyFault(raw, url);
  if (fault !== undefined) throw fault;
  if (body === null) return null;
  const type = raw.headers['content-type'] ?? '';
  const isText = /^text\/(?:plain|html)\b/.test(type) && !raw.text.trimStart().startsWith('<');
  if (raw.status >= 400 && isText) return { error: raw.text.slice(0, maxErrorText) };
  throw cliFault(
    'SERVER_NOT_WARD',
    `${url.origin} answered ${raw.status} with something other than JSON: ${raw.text.slice(0, 80)}`,
    { hint: 'check --apihost: is that a Ward server?' },
  );
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Aborts after a time without a push. */
function createIdleSignal(idleMs: number) {
  const controller = new AbortController();
  const timeout = setTimeout(() => controller.abort(new DOMException('idle', 'TimeoutError')), idleMs);
  return {
    signal: controller.signal,
    push: () => void timeout.refresh(),
    end: () => {
      clearTimeout(timeout);
      controller.abort();
    },
  };
}
