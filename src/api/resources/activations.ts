/** `/namespaces/{ns}/activations`: records, results and logs. */

import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify';
import type { ErrorGroups } from '../../answers/index.ts';
import { checkActivationId, type Functions, parseEntityName } from '../../functions/index.ts';
import { isFault, type JsonObject, type JsonValue, messageOf } from '../../lib/index.ts';
import { identityOf, namespaceOf, pathPart } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { apiFault } from '../faults.ts';
import { malformedQuery, queryBoolean, queryEpoch, queryPage, queryText } from '../query.ts';
import { addResource } from '../resource.ts';
import { streamHandler } from './activation-stream.ts';

const collection = 'activations';

export function addActivations(scope: FastifyInstance, functions: Functions): void {
  const { activations, limits } = functions;
  const root = `/namespaces/:ns/${collection}`;
  addResource(scope, [root, `${root}/`], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const { namespace } = namespaceOf(request, identityOf(request));
        const page = queryPage(request.query, collection, limits.list);
        const count = queryBoolean(request.query, 'count', false);
        const docs = queryBoolean(request.query, 'docs', false);
        const filter = { namespace, ...filterOf(request.query), ...searchOf(request.query) };
        if (count && docs) {
          throw apiFault('QUERY_INVALID', "The parameter 'docs' is not permitted with 'count'.");
        }
        if (docs) return sendList(reply, activations.records({ ...filter, ...page }));
        if (!count)
          return sendJson(reply, 200, JSON.stringify(await activations.list({ ...filter, ...page })));
        const total = Math.max(0, (await activations.count(filter)) - page.skip);
        return sendJson(reply, 200, JSON.stringify({ [collection]: total }));
      },
    },
  });
  addResource(scope, [`${root}/:id`, `${root}/:id/`], {
    GET: {
      access: 'any-key',
      handler: readHandler(activations, {
        ofEnded: (namespace, id) => activations.get(namespace, id),
        ofPending: (record) => record,
      }),
    },
  });
  addResource(scope, [`${root}/:id/result`], {
    GET: {
      access: 'any-key',
      handler: readHandler(activations, {
        ofEnded: (namespace, id) => activations.result(namespace, id),
        ofPending: ({ response = {} }) => response,
      }),
    },
  });
  addResource(scope, [`${root}/:id/logs`], {
    GET: {
      access: 'any-key',
      handler: readHandler(activations, {
        ofEnded: async (namespace, id) => ({ logs: [...(await activations.logs(namespace, id))] }),
        ofPending: ({ logs = [] }) => ({ logs }),
      }),
    },
  });
  addResource(scope, [`${root}/:id/stream`], {
    GET: { access: 'any-key', isStream: true, handler: streamHandler(functions) },
  });
}

/** Ward's own: returns the input of an activation, if Ward keeps it. */
export function addActivationInputs(scope: FastifyInstance, { activations }: Functions): void {
  addResource(scope, [`/namespaces/:ns/${collection}/:id/input`], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const [namespace, id] = targetOf(request);
        const isQuiet = queryBoolean(request.query, 'quiet', false);
        const input = await activations.input(namespace, id).catch((error: unknown) => {
          if (isQuiet && isFault(error, 'NOT_FOUND')) return undefined;
          throw error;
        });
        return input === undefined ? reply.code(204).send() : sendJson(reply, 200, JSON.stringify(input));
      },
    },
  });
}

/** Ward's own: the failed activations, grouped by their error. */
export function addErrorGroups(scope: FastifyInstance, { groupErrors }: Functions): void {
  addResource(scope, [`/namespaces/:ns/${collection}/errors`], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const { namespace } = namespaceOf(request, identityOf(request));
        const { failed: _, ...filter } = filterOf(request.query);
        const found: ErrorGroups = await groupErrors({ namespace, ...filter });
        return sendJson(reply, 200, JSON.stringify(found));
      },
    },
  });
}

/**
 * Ward's own: finds the activation that a request started, by the request's id. Callers that broke off a blocking
 * call need it, because the answer would have named the activation.
 */
export function addRequests(scope: FastifyInstance, { invocations }: Functions): void {
  addResource(scope, ['/namespaces/:ns/requests/:id'], {
    GET: {
      access: 'any-key',
      handler: async (request, reply) => {
        const { namespace } = namespaceOf(request, identityOf(request));
        const activationId = invocations.underWay(namespace, pathPart(request, 'id'));
        return sendJson(reply, 200, JSON.stringify({ activationId }));
      },
    },
  });
}

interface Reading {
  /** @throws Fault NOT_FOUND */
  readonly ofEnded: (namespace: string, activationId: string) => Promise<JsonValue>;
  readonly ofPending: (known: JsonObject) => JsonValue;
}

/**
 * Answers 404 for an activation that has not ended, as polling clients expect, with what is known in the error. With
 * `pending=true` it answers with that instead.
 */
function readHandler(
  activations: Functions['activations'],
  { ofEnded, ofPending }: Reading,
): RouteHandlerMethod {
  return async (request, reply) => {
    const [namespace, id] = targetOf(request);
    const showPending = queryBoolean(request.query, 'pending', false);
    let answer: JsonValue;
    try {
      answer = await ofEnded(namespace, id);
    } catch (error) {
      const pending = isFault(error, 'NOT_FOUND') ? await activations.pending(namespace, id) : undefined;
      if (pending === undefined) throw error;
      if (!showPending) throw apiFault('ACTIVATION_PENDING', messageOf(error), { details: { pending } });
      answer = ofPending(pending);
    }
    return sendJson(reply, 200, JSON.stringify(answer));
  };
}

/** Sends records one by one: a page of them with their logs can exceed the longest string. */
function sendList(reply: FastifyReply, items: AsyncIterable<JsonObject>) {
  return reply
    .code(200)
    .header('content-type', 'application/json')
    .send(Readable.from(listText(items)));
}

async function* listText(items: AsyncIterable<JsonObject>): AsyncGenerator<string> {
  let separator = '[';
  for await (const item of items) {
    yield separator + JSON.stringify(item);
    separator = ',';
  }
  yield separator === '[' ? '[]' : ']';
}

function targetOf(request: FastifyRequest): readonly [namespace: string, activationId: string] {
  const { namespace } = namespaceOf(request, identityOf(request));
  const id = pathPart(request, 'id');
  checkActivationId(id);
  return [namespace, id];
}

/** `name`, `since` and `upto` of a list. @throws Fault QUERY_INVALID, NAME_INVALID */
export function filterOf(query: unknown) {
  const path = pathFilter(queryText(query, 'name'));
  const since = queryEpoch(query, 'since');
  const upto = queryEpoch(query, 'upto');
  return {
    ...(path === undefined ? {} : { path }),
    ...(since === undefined ? {} : { since }),
    ...(upto === undefined ? {} : { upto }),
    ...(queryBoolean(query, 'failed', false) ? { failed: true } : {}),
  };
}

const startKinds = ['cold', 'prewarmed', 'warm'] as const;

/** What only a list of activations has. @throws Fault QUERY_INVALID */
function searchOf(query: unknown) {
  const [start, fingerprint, took] = ['start', 'fingerprint', 'took'].map(
    (name) => queryText(query, name) || undefined,
  );
  const startKind = startKinds.find((kind) => kind === start);
  if (start !== undefined && startKind === undefined)
    throw malformedQuery('start', `it must be one of ${startKinds.join(', ')}`);
  if (fingerprint !== undefined && !/^[0-9a-f]{16}$/.test(fingerprint))
    throw malformedQuery('fingerprint', 'it is not one of a group of errors');
  if (took !== undefined && !/^\d{1,9}$/.test(took))
    throw malformedQuery('took', 'it is not a number of milliseconds');
  return {
    ...(queryBoolean(query, 'calls', false) ? { calls: true } : {}),
    ...(startKind === undefined ? {} : { startKind }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(took === undefined ? {} : { atLeastMs: Number(took) }),
  };
}

/** Reads `name` or `package/name`; blank text is no filter. */
function pathFilter(text: string | undefined): string | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const parts = text.split('/').filter((part) => part !== '');
  try {
    if (parts.length <= 2 && parts.length > 0) return parts.map(parseEntityName).join('/');
  } catch {}
  throw apiFault(
    'QUERY_INVALID',
    `Parameter may be a 'simple' name or 'package-name/simple' name: ${text.slice(0, 600)}`,
  );
}
