/**
 * `/console/session`: the console logs in and out here. `GET /ward/v1/session` tells any caller who it is and what it
 * may do.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Functions, type Identity, rightsOf } from '../../functions/index.ts';
import { type Actor, actAs, isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { sendError, sendJson } from '../errors.ts';
import { apiFault } from '../faults.ts';
import { addResource } from '../resource.ts';
import type { CheckClient } from '../secure/client-certificate.ts';
import { clearSessionCookies, isOfConsole, ownTokens, setSessionCookie } from '../session-cookies.ts';
import { createRateLimiter } from '../web/rate-limiter.ts';

type Accounts = Pick<Functions, 'namespaces' | 'sessions'>;

const loginRate = { perSecond: 0.5, burst: 20 };
const mostAddresses = 10_000;
const bodyBytes = 4096;

/** @param version of Ward */
export function addSessions(
  app: FastifyInstance,
  functions: Accounts,
  { version, checkClient }: { readonly version: string; readonly checkClient: CheckClient },
): void {
  const { sessions } = functions;
  const limiter = createRateLimiter({ rate: loginRate, capacity: mostAddresses });
  addResource(app, ['/console/session'], {
    POST: {
      access: 'own-check',
      bodyLimit: bodyBytes,
      onRequest: (request, reply, done) => {
        if (refuseForeign(request, reply)) return;
        limiter.take(request.ip);
        done();
      },
      handler: (request, reply) =>
        actAs(browserOf(request), async () => {
          const begun = await beginAsked(sessions, request, checkClient);
          const before = request.sessionTokens?.[begun.kind];
          if (before !== undefined) await sessions.end(before, begun.kind);
          setSessionCookie(reply, begun);
          return sendJson(withoutCache(reply), 200, '{}');
        }),
    },
    DELETE: {
      access: 'own-check',
      onRequest: (request, reply, done) => {
        if (!refuseForeign(request, reply)) done();
      },
      handler: (request, reply) =>
        actAs(browserOf(request), async () => {
          const { key, operator } = request.sessionTokens ?? {};
          if (key !== undefined) await sessions.end(key, 'key');
          if (operator !== undefined) await sessions.end(operator, 'operator');
          clearSessionCookies(reply);
          return sendJson(withoutCache(reply), 200, '{}');
        }),
    },
  });
  addResource(app, ['/ward/v1/session'], {
    GET: {
      access: 'own-check',
      handler: async (request, reply) => {
        const identity = await callerOf(functions, request);
        const { operator } = ownTokens(request);
        const isOperator = operator !== undefined && (await sessions.isOperator(operator));
        const about = { version, ...aboutCaller(identity), operator: isOperator };
        return sendJson(withoutCache(reply), 200, JSON.stringify(about));
      },
    },
  });
}

/** For the audit log, which names the key of a session as what was changed. */
function browserOf(request: FastifyRequest): Actor {
  return { who: 'browser', from: request.ip, request: request.id };
}

/** Undefined without a key or a session. @throws Fault AUTHENTICATION_INVALID, AUTHENTICATION_STALE */
async function callerOf(
  { namespaces, sessions }: Accounts,
  request: FastifyRequest,
): Promise<Identity | undefined> {
  const { authorization } = request.headers;
  if (authorization !== undefined) return await namespaces.authenticate(authorization);
  const { key } = ownTokens(request);
  return key === undefined ? undefined : await sessions.identityOf(key);
}

function aboutCaller(identity: Identity | undefined): JsonObject {
  if (identity === undefined) return { namespace: null, keyId: null, scope: null, rights: [] };
  const { namespace, keyId, scope } = identity;
  return { namespace, keyId, scope, rights: [...rightsOf(scope)] };
}

async function beginAsked(
  sessions: Functions['sessions'],
  request: FastifyRequest,
  checkClient: CheckClient,
) {
  const given: JsonObject = isJsonObject(request.body) ? request.body : {};
  const { key, login } = given;
  if (isText(key)) return await sessions.begin(key);
  if (isText(login)) {
    // Before the login is used up.
    checkClient(request);
    return await sessions.beginOperator(login);
  }
  throw apiFault('BODY_MISSING', 'Send {"key": "uuid:secret"}, or {"login": "…"} of `ward console login`.');
}

function isText(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value !== '';
}

/** Without this, another page could log its visitor in as somebody else, or out. */
function refuseForeign(request: FastifyRequest, reply: FastifyReply): boolean {
  if (isOfConsole(request)) return false;
  void sendError(request, reply, 403, 'Only the console itself logs in and out here.');
  return true;
}

function withoutCache(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store');
}
