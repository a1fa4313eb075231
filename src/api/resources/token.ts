/**
 * `/ward/v1/token`: exchanges a token of an OpenID issuer for a key (the names are those of RFC 8693), says how to log in,
 * and ends such a key. OpenWhisk has no such resource.
 */
import type { FastifyInstance } from 'fastify';
import { actorOf, type Functions, malformed } from '../../functions/index.ts';
import { actAs } from '../../lib/index.ts';
import { clientOf } from '../actors.ts';
import { sendJson, sendUncached } from '../errors.ts';
import { queryBoolean } from '../query.ts';
import { addResource } from '../resource.ts';
import { networkOf } from '../web/client-network.ts';
import { parsePairs } from '../web/pairs.ts';
import { createRateLimiter } from '../web/rate-limiter.ts';

const exchangeRate = { perSecond: 2, burst: 60 };
const mostAddresses = 10_000;
const bodyBytes = 16_384;
const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange';
const tokenTypes = ['jwt', 'id_token', 'access_token'].map(
  (name) => `urn:ietf:params:oauth:token-type:${name}`,
);

export function addTokenExchange(
  app: FastifyInstance,
  functions: Pick<Functions, 'exchange' | 'namespaces'>,
): void {
  const { exchange, namespaces } = functions;
  const limiter = createRateLimiter({ rate: exchangeRate, capacity: mostAddresses });
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    const form = 'application/x-www-form-urlencoded';
    scope.addContentTypeParser(form, { parseAs: 'string' }, (_request, body, done) => done(null, body));
    addResource(scope, ['/ward/v1/token'], {
      GET: {
        access: 'anyone',
        handler: async (_request, reply) => {
          const logins = exchange.logins.flatMap(({ issuer, client }) =>
            client ? [{ issuer, ...client }] : [],
          );
          return sendJson(reply, 200, JSON.stringify({ logins }));
        },
      },
      POST: {
        access: 'own-check',
        bodyLimit: bodyBytes,
        onRequest: (request, _reply, done) => {
          limiter.take(networkOf(request.ip));
          done();
        },
        handler: async (request, reply) => {
          const client = { from: clientOf(request), request: request.id };
          const made = await exchange.exchange(requestIn(request.body), client);
          const { key, keyId, namespace, scope, createdAt, expiresAt } = made;
          const answer = {
            access_token: key,
            issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
            // A key is sent as Basic credentials, not as a bearer token.
            token_type: 'N_A',
            expires_in: Math.round((expiresAt - createdAt) / 1000),
            ...{ scope, namespace, keyId },
          };
          return sendUncached(reply, answer);
        },
      },
      DELETE: {
        access: 'own-check',
        handler: async (request, reply) => {
          const identity = await namespaces.authenticate(request.headers.authorization);
          const actor = { who: actorOf(identity), from: clientOf(request), request: request.id };
          if (!queryBoolean(request.query, 'everywhere', false)) {
            await actAs(actor, () => exchange.end(identity));
            return sendJson(reply, 200, '{}');
          }
          const ended = await actAs(actor, () => exchange.endEverywhere(identity));
          return sendJson(reply, 200, JSON.stringify({ ended }));
        },
      },
    });
  });
}

/** @throws Fault BODY_INVALID */
function requestIn(body: unknown) {
  const fields = typeof body === 'string' ? parsePairs(body) : undefined;
  if (fields === undefined) throw malformed('a form is expected, application/x-www-form-urlencoded');
  if (fields.get('grant_type') !== grantType) throw malformed(`grant_type must be ${grantType}`);
  const type = fields.get('subject_token_type');
  if (type === undefined || !tokenTypes.includes(type))
    throw malformed(`subject_token_type must be one of ${tokenTypes.join(', ')}`);
  const token = fields.get('subject_token');
  if (token === undefined) throw malformed('subject_token is missing');
  return { token, namespace: fields.get('audience'), scope: fields.get('scope') };
}
