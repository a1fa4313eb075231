/**
 * A part of the server that anyone may call, with bodies of any type. It keeps an unwelcome request cheap: it counts
 * the address first, then finds the action, then reserves memory for the body, and only then reads it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { fullNameOf, tooLarge } from '../../functions/index.ts';
import { collectUpTo, type Log } from '../../lib/index.ts';
import { send, type WebAnswer } from './answer.ts';
import type { BodyBudget } from './body-budget.ts';
import { networkOf } from './client-network.ts';
import type { Held } from './owner-share.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { WebActions, WebHead } from './web-actions.ts';
import { webErrorHandler } from './web-errors.ts';
import { finished, type WebState } from './web-state.ts';

/** The call that a URL stands for, or the answer if there is nothing to call. */
export type Located =
  | {
      readonly head: WebHead;
      /** Makes the last changes to any answer. */
      readonly finish?: (answer: WebAnswer) => WebAnswer;
    }
  | { readonly answer: WebAnswer };

export interface WebScopeOptions {
  readonly actions: WebActions;
  readonly perAddress: RateLimiter;
  readonly perAddressAndAction: RateLimiter;
  readonly uploads: BodyBudget;
  readonly answers: BodyBudget;
  readonly maxBodyBytes: number;
  readonly log: Log;
  /** The console or pages of others are on this origin, too: see `isolatePages`. */
  readonly isolatesPages: boolean;
  /** Pages of others are on this host: see `withholdCookies`. */
  readonly withholdsCookies: boolean;
}

/** Methods that reach a web action. */
const webMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] satisfies HTTPMethods[];

interface WebPlace {
  /** With a wildcard at its end. */
  readonly url: string;
  /** Of the router. */
  readonly constraints?: Readonly<Record<string, string>>;
}

export function addWebScope(
  app: FastifyInstance,
  place: WebPlace,
  options: WebScopeOptions,
  locate: (request: FastifyRequest) => Located | Promise<Located>,
): void {
  const readBody = bodyReader(options.maxBodyBytes);
  app.register(async (scope) => {
    scope.decorateRequest('web', undefined);
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.setErrorHandler(webErrorHandler(options));
    if (options.isolatesPages) isolatePages(scope);
    if (options.withholdsCookies) withholdCookies(scope);
    scope.route({
      ...place,
      method: webMethods,
      config: { access: 'own-check' },
      bodyLimit: options.maxBodyBytes,
      onRequest: async (request, reply) => {
        const state: WebState = {};
        request.web = state;
        const answer = await begin(options, request, reply, state, locate);
        return answer === undefined ? undefined : send(reply, finished(request, answer));
      },
      handler: async (request, reply) => {
        const call = request.web?.call;
        if (call === undefined) throw new Error('a web call that was not opened');
        const answer = finished(request, await call.run(await readBody(request)));
        const bytes = answer.body === undefined ? 0 : Buffer.byteLength(answer.body);
        releaseAtEnd(reply, options.answers.hold(networkOf(request.ip), bytes));
        return send(reply, answer);
      },
    });
  });
}

const ownOrigin =
  'sandbox allow-downloads allow-forms allow-modals allow-popups allow-popups-to-escape-sandbox allow-scripts';

/**
 * Gives each page of an action an origin of its own in the browser. Otherwise its script would speak for the person who
 * is logged in to the console, or to what else is on this host. An action can only add to it.
 */
function isolatePages(scope: FastifyInstance): void {
  const name = 'content-security-policy';
  scope.addHook('onSend', (_request, reply, payload, done) => {
    const given = [reply.getHeader(name) ?? []].flat();
    reply.header(name, [...given, ownOrigin].join(', '));
    done(null, payload);
  });
}

/**
 * Keeps an action from cookies. Below a prefix of a host, browsers send it those of the other pages there, and send them what it
 * sets.
 */
function withholdCookies(scope: FastifyInstance): void {
  scope.addHook('onRequest', ({ raw }, _reply, done) => {
    delete raw.headers.cookie;
    done();
  });
  scope.addHook('onSend', (_request, reply, payload, done) => {
    reply.removeHeader('set-cookie');
    done(null, payload);
  });
}

/** Returns the answer, if there is one without running the action. */
async function begin(
  { actions, perAddress, perAddressAndAction, uploads, maxBodyBytes }: WebScopeOptions,
  request: FastifyRequest,
  reply: FastifyReply,
  state: WebState,
  locate: (request: FastifyRequest) => Located | Promise<Located>,
): Promise<WebAnswer | undefined> {
  const client = networkOf(request.ip);
  perAddress.take(client);
  const located = await locate(request);
  if ('answer' in located) return located.answer;
  const { head, finish } = located;
  if (finish !== undefined) state.finish = finish;
  perAddressAndAction.take(`${client} ${fullNameOf(head.action)}`);
  const call = await actions.open(head);
  state.call = call;
  if (call.answer !== undefined) return call.answer;
  releaseAtEnd(reply, uploads.hold(client, announcedBytes(request, maxBodyBytes)));
  return undefined;
}

/** Releases at once if the client has left already. */
function releaseAtEnd({ raw }: FastifyReply, held: Held): void {
  if (raw.destroyed) held.release();
  else raw.once('close', held.release);
}

/** Counts a body without a length as the longest allowed one. */
function announcedBytes({ headers }: FastifyRequest, maxBytes: number): number {
  const length = headers['content-length'];
  if (length !== undefined) return Math.min(Number(length), maxBytes);
  return headers['transfer-encoding'] === undefined ? 0 : maxBytes;
}

/** @throws Fault ENTITY_TOO_LARGE */
type BodyReader = (request: FastifyRequest) => Promise<Buffer | undefined>;

/** Reads a body as bytes, also for methods that seldom have one and whose bodies Fastify does not read. */
function bodyReader(maxBytes: number): BodyReader {
  return async (request) => {
    if (Buffer.isBuffer(request.body)) return request.body;
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
    const hasBody = encoding !== undefined || (length !== undefined && length !== '0');
    if (!hasBody || request.raw.readableEnded) return undefined;
    if (Number(length) > maxBytes) throw tooLarge('Request', Number(length), maxBytes);
    return collectUpTo(request.raw, maxBytes, (bytes) => tooLarge('Request', bytes, maxBytes));
  };
}
