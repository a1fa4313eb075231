/**
 * `/console/session/…`: people log in to the console at an OpenID issuer. The browser leaves with a secret in a cookie, and
 * comes back to one fixed address with it; nothing in the URL says where it goes then, or who it becomes.
 */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type BegunSession, callbackPath, type Functions, functionFault } from '../../functions/index.ts';
import { isFault, relativeUrl } from '../../lib/index.ts';
import { clientOf } from '../actors.ts';
import { bodyOf } from '../body.ts';
import { sendError, sendUncached } from '../errors.ts';
import { addResource } from '../resource.ts';
import type { CheckClient } from '../secure/client-certificate.ts';
import {
  awayOf,
  clearAwayCookie,
  clearSessionCookies,
  isOfConsole,
  ownTokens,
  setAwayCookie,
  setSessionCookie,
} from '../session-cookies.ts';

interface IssuerLoginParts {
  readonly logins: Functions['browserLogins'];
  readonly checkClient: CheckClient;
  /** Counts a try to log in. @throws Fault RATE_EXCEEDED */
  readonly takeTry: (request: FastifyRequest) => void;
  /** The namespace of the session that this browser has; null: it is an operator's only. */
  readonly namespaceOf: (request: FastifyRequest) => Promise<string | null | undefined>;
}

const bodyBytes = 4096;
const secretBytes = 32;
const home = '/console/';
const leaveBody = z.strictObject({ issuer: z.string().max(512), anew: z.boolean().default(false) });
const choiceBody = z.strictObject({ namespace: z.string().max(256).nullable() });

export function addIssuerLogins(
  app: FastifyInstance,
  { logins, checkClient, takeTry, namespaceOf }: IssuerLoginParts,
): void {
  const clientFrom = (request: FastifyRequest) => ({ from: clientOf(request), request: request.id });
  const mayOperate = (request: FastifyRequest) => {
    try {
      checkClient(request);
      return true;
    } catch {
      return false;
    }
  };
  const arrive = async (request: FastifyRequest) => {
    const away = awayOf(request);
    if (away === undefined)
      throw functionFault(
        'LOGIN_INVALID',
        'This browser did not begin a login, or took longer than 10 minutes.',
      );
    const query = new URL(request.url, 'http://ward').search;
    return await logins.arrive({ ...away, query, mayOperate: mayOperate(request) }, clientFrom(request));
  };
  const own = {
    access: 'own-check',
    bodyLimit: bodyBytes,
    onRequest: (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
      if (refuseForeign(request, reply)) return;
      if (request.method === 'POST') takeTry(request);
      done();
    },
  } as const;
  addResource(app, [`${home}session/issuer`], {
    GET: {
      access: 'anyone',
      handler: async (_request, reply) => sendUncached(reply, { issuers: logins.issuers }),
    },
    POST: {
      ...own,
      handler: async (request, reply) => {
        const { issuer, anew } = bodyOf(request, leaveBody, '`issuer` is expected, as a text');
        const secret = randomBytes(secretBytes).toString('base64url');
        const url = await logins.leave(issuer, secret, anew);
        const renews = await namespaceOf(request);
        setAwayCookie(reply, { issuer, secret, ...(renews !== undefined && { renews }) });
        return sendUncached(reply, { url: url.href });
      },
    },
  });
  addResource(app, [callbackPath], {
    GET: {
      access: 'own-check',
      onRequest: (request, _reply, done) => {
        takeTry(request);
        done();
      },
      handler: async (request, reply) => {
        // What comes back works once, however it ends.
        clearAwayCookie(reply);
        try {
          setSessions(reply, await arrive(request));
          return goTo(request, reply, home);
        } catch (error) {
          if (!isFault(error)) throw error;
          return goTo(request, reply, `${home}login?failed=${error.code}`);
        }
      },
    },
  });
  addResource(app, [`${home}session/choice`], {
    GET: {
      ...own,
      handler: async (request, reply) => {
        const { choice } = ownTokens(request);
        const offered = choice === undefined ? undefined : await logins.choices(choice);
        return sendUncached(reply, { choices: offered ?? null });
      },
    },
    POST: {
      ...own,
      handler: async (request, reply) => {
        const { namespace } = bodyOf(request, choiceBody, '`namespace` is expected, as a text or null');
        const { choice = '' } = ownTokens(request);
        setSessions(reply, await logins.choose(choice, namespace, clientFrom(request)));
        clearSessionCookies(reply, ['choice']);
        return sendUncached(reply, {});
      },
    },
  });
}

/** Another page must not begin a login in this browser, nor choose in one. */
export function refuseForeign(request: FastifyRequest, reply: FastifyReply): boolean {
  if (isOfConsole(request)) return false;
  void sendError(request, reply, 403, 'Only the console itself logs in and out here.');
  return true;
}

function setSessions(reply: FastifyReply, begun: readonly BegunSession[]): void {
  for (const each of begun) setSessionCookie(reply, each);
}

/** The address with the code stays in no history and in no `Referer`. */
function goTo({ url }: FastifyRequest, reply: FastifyReply, path: string): FastifyReply {
  return reply
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    .redirect(relativeUrl(url, path), 303);
}
