/**
 * The API's client: one JSON request, one JSON answer, both bounded. Every way in which that goes wrong is a
 * Fault with a code of its own. Keys never appear in what it traces.
 */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isJsonObject, type JsonObject, type JsonValue } from '../lib/index.ts';
import { answerFault, transportFault } from './client-faults.ts';
import { cliFault } from './faults.ts';
import type { Settings } from './settings.ts';

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

export interface ApiRequest {
  readonly method: Method;
  /** Segments below `/api/v1`, not encoded. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: JsonObject;
  /** How long to wait for the whole answer. */
  readonly timeoutMs?: number;
  /** Statuses past 299 that are an answer, not a fault. */
  readonly accepts?: readonly number[];
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: JsonValue;
}

const defaultTimeoutMs = 30_000;
const maxAnswerBytes = 64 * 1024 * 1024;

export class ApiClient {
  readonly #settings: Settings;
  readonly #trace: (line: string) => void;

  constructor(settings: Settings, trace: (line: string) => void) {
    this.#settings = settings;
    this.#trace = trace;
  }

  /** @throws Fault NO_KEY, KEY_REFUSED, NOT_FOUND, SERVER_UNREACHABLE, … */
  async send(call: ApiRequest): Promise<ApiAnswer> {
    const { auth, apihost } = this.#settings;
    if (auth === undefined)
      throw cliFault('NO_KEY', `no key for ${apihost.value}`, {
        hint: 'ward property set --auth KEY; on the server itself `ward up` makes a key, readable by its user',
      });
    const url = urlOf(apihost.value, call);
    this.#trace(`> ${call.method} ${url.href}`);
    const raw = await this.#exchange(url, call, auth.value).catch((error: unknown) => {
      throw transportFault(error, url, call.timeoutMs ?? defaultTimeoutMs);
    });
    this.#trace(`< ${raw.status} ${raw.text.length > 2000 ? `${raw.text.slice(0, 2000)}…` : raw.text}`);
    const answer = { status: raw.status, headers: raw.headers, body: parseBody(raw, url) };
    if (raw.status < 300 || call.accepts?.includes(raw.status)) return answer;
    throw answerFault(answer, `${call.method} ${url.pathname}`, auth);
  }

  /** `send`, for an answer that has to be an object. */
  async sendForObject(call: ApiRequest): Promise<JsonObject> {
    const { body } = await this.send(call);
    if (isJsonObject(body)) return body;
    throw cliFault(
      'SERVER_NOT_WARD',
      `${this.#settings.apihost.value} answered with something else than an object`,
    );
  }

  /** `send`, for an answer that has to be a list of objects. */
  async sendForList(call: ApiRequest): Promise<JsonObject[]> {
    const { body } = await this.send(call);
    if (Array.isArray(body)) return body.filter(isJsonObject);
    throw cliFault(
      'SERVER_NOT_WARD',
      `${this.#settings.apihost.value} answered with something else than a list`,
    );
  }

  #exchange(url: URL, call: ApiRequest, key: string): Promise<RawAnswer> {
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = start(url, {
        method: call.method,
        signal: AbortSignal.timeout(call.timeoutMs ?? defaultTimeoutMs),
        ...(this.#settings.insecure ? { rejectUnauthorized: false } : {}),
        headers: {
          Authorization: `Basic ${Buffer.from(key).toString('base64')}`,
          Accept: 'application/json',
          'User-Agent': 'ward-cli',
          ...(body === undefined
            ? {}
            : { 'Content-Type': 'application/json', 'Content-Length': body.byteLength }),
        },
      });
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.byteLength;
          if (size > maxAnswerBytes) response.destroy(new Error(`more than ${maxAnswerBytes} bytes`));
          else chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      });
      request.end(body);
    });
  }
}

interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

function urlOf(apihost: string, call: ApiRequest): URL {
  const url = new URL(`${apihost}/api/v1/${call.path.map(encodeURIComponent).join('/')}`);
  for (const [name, value] of Object.entries(call.query ?? {}))
    if (value !== undefined) url.searchParams.set(name, String(value));
  return url;
}

function parseBody(raw: RawAnswer, url: URL): JsonValue {
  if (raw.text.trim() === '') return null;
  try {
    return JSON.parse(raw.text);
  } catch (cause) {
    throw cliFault(
      'SERVER_NOT_WARD',
      `${url.origin} answered ${raw.status} with something else than JSON: ${raw.text.slice(0, 80)}`,
      { hint: 'check --apihost: is that a Ward server, or a proxy before one?', cause },
    );
  }
}
