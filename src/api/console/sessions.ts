/**
 * `/console/session`: the console logs in and out here. `GET /ward/v1/session` tells any caller who it is and what it
 * may do.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Session } from '../../answers/index.ts';
import { type Functions, functionFault, type Identity, rightsOf } from '../../functions/index.ts';
import { type Actor, actAs, isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { sendJson } from '../errors.ts';
import { apiFault } from '../faults.ts';
import { queryBoolean } from '../query.ts';
import { addResource } from '../resource.ts';
import type { CheckClient } from '../secure/client-certificate.ts';
import { clearSessionCookies, ownTokens, setSessionCookie } from '../session-cookies.ts';
import { networkOf } from '../web/client-network.ts';
import { createRateLimiter } from '../web/rate-limiter.ts';
import { addIssuerLogins, refuseForeign } from './issuer-logins.ts';

type Accounts = Pick<Functions, 'namespaces' | 'sessions' | 'exchange' | 'browserLogins'>;

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
  const takeTry = ({ ip }: FastifyRequest) => limiter.take(networkOf(ip));
  const namespaceOf = async (request: FastifyRequest) => {
    try {
      const identity = await callerOf(functions, request);
      if (identity !== undefined) return identity.namespace;
      return (await operatorOf(functions, request)) === undefined ? undefined : null;
    } catch {
      // A session that can't be read now is not renewed, and must not keep anyone from a new one.
      return undefined;
    }
  };
  addIssuerLogins(app, { logins: functions.browserLogins, checkClient, takeTry, namespaceOf });
  addResource(app, ['/console/session'], {
    POST: {
      access: 'own-check',
      bodyLimit: bodyBytes,
      onRequest: (request, reply, done) => {
        if (refuseForeign(request, reply)) return;
        takeTry(request);
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
          const isEverywhere = queryBoolean(request.query, 'everywhere', false);
          const ended = isEverywhere ? await endEverywhere(functions, request) : undefined;
          const { key, operator, choice } = request.sessionTokens ?? {};
          if (key !== undefined) await sessions.end(key, 'key');
          if (operator !== undefined) await sessions.end(operator, 'operator');
          if (choice !== undefined) await sessions.end(choice, 'choice');
          clearSessionCookies(reply);
          return sendJson(withoutCache(reply), 200, JSON.stringify(ended === undefined ? {} : { ended }));
        }),
    },
  });
  addResource(app, ['/ward/v1/session'], {
    GET: {
      access: 'own-check',
      handler: async (request, reply) => {
        const identity = await callerOf(functions, request);
        const operator = await operatorOf(functions, request);
        const isLogin = identity !== undefined && (await functions.exchange.isOfLogin(identity));
        const about: Session = {
          ...{ version, ...aboutCaller(identity), operator: operator !== undefined },
          login: isLogin || operator?.login !== undefined,
          leftMs: (await leftMsOf(functions, request)) ?? null,
        };
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

/** Until the first session of this browser ends. Undefined without one. */
async function leftMsOf({ sessions }: Accounts, request: FastifyRequest): Promise<number | undefined> {
  const tokens = request.headers.authorization === undefined ? ownTokens(request) : {};
  const left = await Promise.all(
    (['key', 'operator'] as const).map(async (kind) => {
      const token = tokens[kind];
      return (
        (token === undefined ? undefined : await sessions.leftMs(token, kind)) ?? Number.POSITIVE_INFINITY
      );
    }),
  );
  const first = Math.min(...left);
  return Number.isFinite(first) ? first : undefined;
}

async function operatorOf({ sessions }: Accounts, request: FastifyRequest) {
  const { operator } = ownTokens(request);
  return operator === undefined ? undefined : await sessions.operatorOf(operator);
}

/**
 * Ends all logins of those whose sessions these are. Returns the number of keys.
 * @throws Fault LOGIN_DENIED when none is from a login
 */
async function endEverywhere(functions: Accounts, request: FastifyRequest): Promise<number> {
  const { exchange } = functions;
  const login = (await operatorOf(functions, request))?.login;
  const { key } = ownTokens(request);
  const identity = key === undefined ? undefined : await functions.sessions.identityOf(key);
  let ended = login === undefined ? 0 : await exchange.endOperator(login);
  // The key can have ended with the person's other sessions.
  if (identity !== undefined && (login === undefined || (await exchange.isOfLogin(identity))))
    ended += await exchange.endEverywhere(identity);
  if (identity === undefined && login === undefined)
    throw functionFault('LOGIN_DENIED', 'This browser is not logged in at an issuer.');
  return ended;
}

function aboutCaller(
  identity: Identity | undefined,
): Pick<Session, 'namespace' | 'keyId' | 'scope' | 'rights'> {
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

function withoutCache(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store');
}
