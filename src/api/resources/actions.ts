/** `/namespaces/{ns}/actions`: create, change, read, list, delete, and (in `invoke.ts`) invoke. */
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify';
import { type EntityName, type Functions, parseEntityName, webSecretsOf } from '../../functions/index.ts';
import { anyEntityOf, anyNamespaceOf, entityOf, identityOf, pathPart } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { apiFault } from '../faults.ts';
import { revisionCheck, revisionTag } from '../if-match.ts';
import { queryBoolean, queryPage, queryText } from '../query.ts';
import type { UploadBudget } from '../request-memory.ts';
import { addResource } from '../resource.ts';
import { invokeHandler } from './invoke.ts';

const collection = 'actions';
/** Carries a warning for the author of an action, in ASCII. */
const warningHeader = 'x-ward-warning';

/** Room in a body besides the code: for parameters, annotations and JSON escapes. */
const slackBytes = 4 * 1024 * 1024;

export function addActions(scope: FastifyInstance, functions: Functions, uploads: UploadBudget): void {
  const { limits, actions, parameterReads } = functions;
  addResource(scope, ['/namespaces/:ns/actions', '/namespaces/:ns/actions/'], {
    GET: { access: 'read', handler: listHandler(functions, () => undefined) },
  });
  addResource(scope, ['/namespaces/:ns/actions/:name/'], {
    GET: {
      access: 'read',
      handler: listHandler(functions, (request) => parseEntityName(pathPart(request, 'name'))),
    },
  });
  addResource(scope, ['/namespaces/:ns/actions/:name', '/namespaces/:ns/actions/:name/:inner'], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const identity = identityOf(request);
        const ref = anyEntityOf(request, identity);
        const withCode = queryBoolean(request.query, 'code', true);
        const view = await actions.get(ref, withCode, identity.namespace);
        const { parameters, annotations } = view.description;
        await parameterReads.note('action', ref, [...parameters, ...webSecretsOf(annotations)]);
        return sendAction(reply, view);
      },
    },
    PUT: {
      access: 'deploy',
      bodyLimit: Math.ceil((limits.codeBytes * 4) / 3) + slackBytes,
      onRequest: uploads,
      handler: async (request, reply) => {
        const identity = identityOf(request);
        const ref = entityOf(request, identity);
        const overwrite = queryBoolean(request.query, 'overwrite', false);
        if (request.body === undefined) {
          throw apiFault('BODY_MISSING', 'Request entity expected but not supplied');
        }
        const view = await actions.put(ref, request.body, overwrite, identity, revisionCheck(request));
        if (view.warning !== undefined) reply.header(warningHeader, view.warning);
        return sendAction(reply, view);
      },
    },
    DELETE: {
      access: 'deploy',
      handler: async (request, reply) => {
        const ref = entityOf(request, identityOf(request));
        return sendAction(reply, await actions.delete(ref, revisionCheck(request)));
      },
    },
    POST: { access: 'invoke', bodyLimit: limits.payloadBytes, handler: invokeHandler(functions) },
  });
}

function listHandler(
  { actions, limits }: Functions,
  packageOf: (request: FastifyRequest) => EntityName | undefined,
): RouteHandlerMethod {
  return async (request, reply) => {
    const { namespace: reader } = identityOf(request);
    const ref = anyNamespaceOf(request, identityOf(request));
    const search = queryText(request.query, 'search');
    const within = { namespace: ref.namespace, package: packageOf(request) ?? ref.package, search };
    const page = queryPage(request.query, collection, limits.list);
    if (!queryBoolean(request.query, 'count', false)) {
      return sendJson(reply, 200, JSON.stringify(await actions.list(within, page, reader)));
    }
    const count = Math.max(0, (await actions.count(within, reader)) - page.skip);
    return sendJson(reply, 200, JSON.stringify({ [collection]: count }));
  };
}

/** Ward sends longer code in slices, so that other requests get their turn in between. */
const sliceLength = 1024 * 1024;

interface SentAction {
  readonly description: { readonly exec: object };
  readonly code: string | undefined;
  readonly revision: string;
}

export function sendAction(reply: FastifyReply, { description, code, revision }: SentAction) {
  reply.header('etag', revisionTag(revision));
  if (code === undefined) return sendJson(reply, 200, JSON.stringify(description));
  const { exec, ...rest } = description;
  if (code.length <= sliceLength) {
    return sendJson(reply, 200, JSON.stringify({ ...rest, exec: { ...exec, code } }));
  }
  const head = JSON.stringify({ ...rest, exec }).slice(0, -2);
  return reply
    .code(200)
    .header('content-type', 'application/json')
    .send(Readable.from(slicesOf(head, code)));
}

/** A cut through a surrogate pair makes two escapes, which a parser joins to one character again. */
async function* slicesOf(head: string, code: string): AsyncGenerator<string> {
  yield `${head},"code":"`;
  for (let at = 0; at < code.length; at += sliceLength) {
    yield JSON.stringify(code.slice(at, at + sliceLength)).slice(1, -1);
    await setImmediate();
  }
  yield '"}}';
}
