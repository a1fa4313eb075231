/** The one way to Ward's API. Every request says that the console makes it, which pages of others can't. */
import { signal } from '@preact/signals';
import { prefix } from './prefix.ts';
import { learnClock } from './server-clock.ts';

/** What Ward answered instead of what was asked for. */
export class ApiError extends Error {
  /** 0: nothing answered. */
  readonly status: number;
  /** Of docs/reference/errors.md; '' if the answer has none. */
  readonly code: string;
  readonly hint: string | undefined;
  readonly requestId: string | undefined;
  /** How long Ward asks to wait before another try. */
  readonly retryAfterMs: number | undefined;
  readonly body: unknown;

  constructor(message: string, about: Partial<Omit<ApiError, 'message' | 'name'>>) {
    super(message);
    this.name = 'ApiError';
    this.status = about.status ?? 0;
    this.code = about.code ?? '';
    this.hint = about.hint;
    this.requestId = about.requestId;
    this.retryAfterMs = about.retryAfterMs;
    this.body = about.body;
  }
}

export interface CallOptions {
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  readonly accept?: string;
  /** Changes only what still has this tag. */
  readonly ifMatch?: string;
}

export const sessionPath = '/ward/v1/session';

/** Whether the last request got an answer. */
export const isReachable = signal(true);
/** Counts refusals because a session has ended. This browser may have another one: of a key, or of an operator. */
export const sessionEnds = signal(0);

/** What they refuse says nothing new. */
const aboutSessions: ReadonlySet<string> = new Set(['/console/session', sessionPath]);

export const ownHeaders = { 'x-ward-console': '1' } as const;

/** Returns the answer as JSON. @param path of Ward, without its prefix. @throws ApiError */
export async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  return (await (await send(method, path, options)).json()) as T;
}

/** @throws ApiError unless the status is a success */
export async function send(method: string, path: string, options: CallOptions = {}): Promise<Response> {
  const { body, signal: until, accept = 'application/json', ifMatch } = options;
  let response: Response;
  try {
    response = await fetch(prefix + path, {
      method,
      headers: {
        ...ownHeaders,
        accept,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(until === undefined ? {} : { signal: until }),
    });
  } catch (error) {
    if (until?.aborted === true) throw error;
    isReachable.value = false;
    throw new ApiError('Ward does not answer.', {
      code: 'UNREACHABLE',
      hint: 'Look whether it runs, and whether this machine reaches it.',
    });
  }
  isReachable.value = true;
  learnClock(response);
  if (response.ok) return response;
  const error = await errorOf(response);
  if (error.status === 401 && !aboutSessions.has(path)) sessionEnds.value++;
  throw error;
}

/** A path of the API in the namespace of the session. Parts are encoded. */
export function inNamespace(root: '/api/v1' | '/ward/v1', ...parts: readonly string[]): string {
  return [`${root}/namespaces/_`, ...parts.map(encodeURIComponent)].join('/');
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {}
  const field = (name: string) => {
    const value =
      typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new ApiError(field('error') ?? `${response.status} ${response.statusText}`, {
    status: response.status,
    code: response.headers.get('x-ward-fault') ?? '',
    hint: field('hint'),
    requestId: response.headers.get('x-request-id') ?? field('code'),
    retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1000 : undefined,
    body,
  });
}
