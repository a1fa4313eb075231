/** Explains an error status, or a missing answer, to the user who typed the command. */
import type { IncomingHttpHeaders } from 'node:http';
import { type Fault, isFault, isJsonObject, isTlsCode, type JsonValue, nodeCodeOf } from '../lib/index.ts';
import { cliFault } from './faults.ts';
import type { Setting } from './settings.ts';

type CliCode = Parameters<typeof cliFault>[0];

interface Meaning {
  readonly code: CliCode;
  readonly hint?: string;
}

const meanings: Readonly<Record<number, Meaning>> = {
  400: { code: 'REQUEST_INVALID' },
  401: { code: 'KEY_REFUSED', hint: 'ward property get shows which key is used and where it comes from' },
  403: { code: 'NOT_AUTHORISED', hint: 'use a key of the namespace that owns it' },
  404: { code: 'NOT_FOUND' },
  409: { code: 'CONFLICT' },
  412: { code: 'CONFLICT' },
  413: { code: 'REQUEST_TOO_LARGE' },
  422: { code: 'REQUEST_INVALID' },
  429: {
    code: 'THROTTLED',
    hint: 'try again in a minute, or ask the operator to raise the limits of the namespace',
  },
  503: { code: 'SERVER_BUSY', hint: 'try again' },
  507: { code: 'SERVER_FULL', hint: 'try again later, or ask the operator to free disk space' },
  504: { code: 'SERVER_TIMED_OUT', hint: 'try again' },
};

const overloaded: Meaning = { code: 'SERVER_OVERLOADED', hint: 'try again' };

/** Refusals by a policy, of the gate or of the operator for sandboxes, and for lack of room: the status says too little. */
const refusals: Readonly<Record<string, Meaning>> = {
  DEPLOYMENT_REFUSED: {
    code: 'GATE_REFUSED',
    hint: 'fix what it names, or follow its advice; ward image scan FILE shows all findings before you deploy',
  },
  RUN_REFUSED: {
    code: 'GATE_REFUSED',
    hint: 'deploy a version without what it names; the operator’s policy decides what can run',
  },
  EGRESS_EXCEEDED: {
    code: 'EGRESS_EXCEEDED',
    hint: 'ask for less, or have the operator name it in `sandbox.allow.egress`',
  },
  POLICY_EXCEEDED: {
    code: 'POLICY_EXCEEDED',
    hint: 'ask for less, or have the operator raise `sandbox.allow` in the configuration file',
  },
  INVOKER_BUSY: overloaded,
  INVOKERS_BUSY: overloaded,
};

/** @param request its method and path. @param auth the key that was used; only its source is shown */
export function answerFault(
  answer: { readonly status: number; readonly body: JsonValue; readonly headers?: IncomingHttpHeaders },
  request: string,
  auth: Setting | undefined,
): Fault {
  const { status, body } = answer;
  const meaning = refusalIn(answer.headers) ??
    meanings[status] ?? { code: status < 500 ? 'REQUEST_UNSUPPORTED' : 'SERVER_FAILED' };
  const said = saidIn(body);
  const id = isJsonObject(body) && typeof body['code'] === 'string' ? `, request ${body['code']}` : '';
  const seconds = /^\d{1,6}$/.exec(answer.headers?.['retry-after'] ?? '')?.[0];
  const wait = seconds === undefined ? undefined : `try again in ${seconds} s`;
  const hint = wait ?? hintIn(body) ?? hintOf(status, request) ?? meaning.hint;
  const isAboutKey = (status === 401 || meaning.code === 'NOT_AUTHORISED') && auth !== undefined;
  const key = isAboutKey ? `, with the key from ${auth.source}` : '';
  return cliFault(meaning.code, said ?? `the server answered ${status}`, {
    ...(hint === undefined ? {} : { hint }),
    cause: new Error(`${request} → ${status}${key}${id}`),
  });
}

function refusalIn(headers: IncomingHttpHeaders | undefined): Meaning | undefined {
  const code = String(headers?.['x-ward-fault']);
  return Object.hasOwn(refusals, code) ? refusals[code] : undefined;
}

/** The server's own hint. */
function hintIn(body: JsonValue): string | undefined {
  return isJsonObject(body) && typeof body['hint'] === 'string' ? body['hint'] : undefined;
}

/** The message in `{error}` of the API, or in `{errors: [{message}]}` of the registry. */
function saidIn(body: JsonValue): string | undefined {
  if (!isJsonObject(body)) return undefined;
  const { error, errors } = body;
  if (typeof error === 'string') return error;
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  return isJsonObject(first) && typeof first['message'] === 'string' ? first['message'] : undefined;
}

const proxyHints: Readonly<Record<number, string>> = {
  413: 'let larger bodies through the proxy: client_max_body_size in nginx',
  502: 'start Ward behind the proxy, or correct the address that the proxy sends requests to',
  503: 'start Ward behind the proxy, or correct the address that the proxy sends requests to',
  504: 'let the proxy wait longer than `limits.blockingWaitMs`: proxy_read_timeout in nginx',
};

/**
 * An error that a proxy answered by itself: Ward and OpenWhisk put `x-request-id` into each of their answers.
 * Undefined for any other answer.
 */
export function proxyFault(
  { status, headers }: { readonly status: number; readonly headers: IncomingHttpHeaders },
  url: URL,
): Fault | undefined {
  if (status < 400 || headers['x-request-id'] !== undefined) return undefined;
  const software = /^[\w./ ()-]{1,40}/.exec(String(headers['server'] ?? ''))?.[0];
  if (software === undefined && proxyHints[status] === undefined) return undefined;
  const who = software === undefined ? 'a proxy' : `a proxy (${software.trim()})`;
  return cliFault('PROXY_FAILED', `${who} before ${url.origin} answered ${status}, not Ward`, {
    hint: proxyHints[status] ?? 'check --apihost, and which requests the proxy sends to Ward',
  });
}

/** For a request that got no answer, or only part of one. */
export function transportFault(cause: unknown, url: URL, timeoutMs: number): Fault {
  if (isFault(cause)) return cause;
  if (cause instanceof Error && (cause.name === 'TimeoutError' || cause.name === 'AbortError'))
    return cliFault('SERVER_TIMED_OUT', `${url.origin} did not answer within ${timeoutMs / 1000} s`, {
      hint: 'try again, or check the server’s log',
      cause,
    });
  const code = nodeCodeOf(cause) ?? '';
  if (isTlsCode(code))
    return cliFault('SERVER_UNREACHABLE', `no trusted TLS connection to ${url.origin}`, {
      hint: 'check the scheme and the certificate; for an authority of your own, set NODE_EXTRA_CA_CERTS=FILE; -i accepts any certificate',
      cause,
    });
  return cliFault('SERVER_UNREACHABLE', `${url.origin} can’t be reached`, {
    hint: 'start it with `ward up`, or name another server with --apihost',
    cause: cause instanceof Error && cause.message === '' ? new Error(code) : cause,
  });
}

const nouns = ['action', 'activation', 'trigger', 'rule', 'package'] as const;

function hintOf(status: number, request: string): string | undefined {
  const isImage = / \/v2\/| \/ward\/v1\/(?:images|reports)\//.test(request);
  const noun = isImage
    ? 'image'
    : (nouns.find((candidate) => request.includes(`/${candidate}s`)) ?? 'action');
  if (status === 404) return `ward ${noun} list shows all`;
  if (status === 400 && /^GET .*\/activations\//.test(request)) return 'ward activation list shows the ids';
  const isCreation = status === 409 && request.startsWith('PUT ');
  return isCreation ? `ward ${noun} update changes what exists` : undefined;
}
