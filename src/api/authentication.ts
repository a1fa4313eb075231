/** Authenticates a request before anything else reads it, and checks that it accepts JSON. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  type CredentialEnd,
  type EntityRef,
  type Functions,
  fullNameOf,
  functionFault,
  type Identity,
  type NamespaceRef,
  notAuthorized,
  parseEntityName,
  parseNamespaceSegment,
} from '../functions/index.ts';
import { isJsonObject } from '../lib/index.ts';
import { sendError } from './errors.ts';
import { apiFault } from './faults.ts';
import { sandboxNamespaceOf } from './sandbox-entrance.ts';
import { refusalByScope } from './scopes.ts';
import { ownTokens } from './session-cookies.ts';

declare module 'fastify' {
  interface FastifyRequest {
    identity: Identity | undefined;
  }
  interface FastifyInstance {
    /** Of scopes that know who sends a request: calls when what let the client in lets it in no more. The answer stops it. */
    watchCredential?: (request: FastifyRequest, onEnd: (end: CredentialEnd) => void) => () => void;
  }
}

/** Asks for a key on every route of the scope that does not declare access for anyone. */
export function authenticateAll(
  scope: FastifyInstance,
  { namespaces, sessions, credentials }: Pick<Functions, 'namespaces' | 'sessions' | 'credentials'>,
): void {
  scope.decorateRequest('identity', undefined);
  scope.decorate('watchCredential', (request, onEnd) =>
    credentials.watch({ identity: identityOf(request), session: sessionOf(request) }, onEnd),
  );
  scope.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.config?.access === 'anyone') return done();
    const behind = sandboxNamespaceOf(request);
    const admit = (identity: Identity) => {
      request.identity = identity;
      if (behind !== undefined && behind !== identity.namespace) return done(foreignKey(behind));
      const refusal = refusalByScope(request, identity);
      if (refusal !== undefined) return done(refusal);
      if (acceptsJson(request.headers.accept) || isStream(request) || wantsOffered(request)) return done();
      refuseFormat(request, reply);
    };
    let identity: Identity | Promise<Identity>;
    try {
      const { authorization } = request.headers;
      const session = sessionOf(request);
      if (behind !== undefined) identity = namespaces.authenticateInside(authorization);
      else if (session === undefined) identity = namespaces.authenticate(authorization);
      else identity = identityOfSession(sessions, session);
    } catch (error) {
      return done(asError(error));
    }
    if (identity instanceof Promise) identity.then(admit, (error) => done(asError(error)));
    else admit(identity);
  });
}

/** The token of the browser's session with a key, unless the request has a key itself. */
function sessionOf(request: FastifyRequest): string | undefined {
  const isKeyed = request.headers.authorization !== undefined || sandboxNamespaceOf(request) !== undefined;
  return isKeyed ? undefined : ownTokens(request).key;
}

/** @throws Fault AUTHENTICATION_INVALID when the session has ended */
async function identityOfSession(sessions: Functions['sessions'], token: string): Promise<Identity> {
  const identity = await sessions.identityOf(token);
  if (identity === undefined)
    throw functionFault('AUTHENTICATION_INVALID', 'The session has ended: log in again.');
  return identity;
}

export function identityOf(request: FastifyRequest): Identity {
  if (request.identity === undefined) throw new Error('a route without authentication');
  return request.identity;
}

/** Returns the namespace of a path, if it is the caller's. @throws Fault NAME_INVALID, NOT_AUTHORIZED, NOT_FOUND */
export function namespaceOf(request: FastifyRequest, identity: Identity): NamespaceRef {
  const ref = anyNamespaceOf(request, identity);
  if (ref.namespace !== identity.namespace) throw notAuthorized(pathPart(request, 'ns'));
  return ref;
}

/** Returns the namespace of a path, also another's, since others may share. @throws Fault NAME_INVALID, NOT_FOUND */
export function anyNamespaceOf(request: FastifyRequest, identity: Identity): NamespaceRef {
  return parseNamespaceSegment(pathPart(request, 'ns'), identity.namespace);
}

/** Returns a part of the path by its name in the route; '' when the route has none. */
export function pathPart(request: FastifyRequest, name: string): string {
  const { params } = request;
  const value = isJsonObject(params) ? params[name] : undefined;
  return typeof value === 'string' ? value : '';
}

/**
 * Returns the entity of a path `…/{ns}/…/{name}[/{inner}]`, if it is in the caller's namespace.
 * @throws Fault NAME_INVALID, NOT_AUTHORIZED, NOT_FOUND
 */
export function entityOf(request: FastifyRequest, identity: Identity): EntityRef {
  const ref = anyEntityOf(request, identity);
  if (ref.namespace !== identity.namespace) throw notAuthorized(fullNameOf(ref));
  return ref;
}

/**
 * Returns the entity of a path in any namespace: others may share entities.
 * @throws Fault NAME_INVALID, NOT_FOUND
 */
export function anyEntityOf(request: FastifyRequest, identity: Identity): EntityRef {
  const { namespace, package: outer } = parseNamespaceSegment(pathPart(request, 'ns'), identity.namespace);
  const inner = pathPart(request, 'inner');
  const first = parseEntityName(pathPart(request, 'name'));
  const second = inner === '' ? undefined : parseEntityName(inner);
  return second === undefined
    ? { namespace, package: outer, name: first }
    : { namespace, package: first, name: second };
}

function foreignKey(namespace: string) {
  return apiFault(
    'KEY_FOREIGN',
    `A sandbox of the namespace '${namespace}' reaches the API with keys of that namespace only.`,
  );
}

function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept === '' || accept === '*/*' || accept === 'application/json') return true;
  return /(?:^|,)\s*(?:\*\/\*|application\/(?:\*|json))\s*(?:;|,|$)/i.test(accept);
}

/** True for a request whose answer is server-sent events. */
function isStream({ routeOptions, headers }: FastifyRequest): boolean {
  const isMeant = headers.accept?.toLowerCase().includes('text/event-stream') === true;
  return isMeant && routeOptions.config?.isStream === true;
}

/** Whether it asks for the type that its route has beside JSON. */
export function wantsOffered({ routeOptions, headers }: FastifyRequest): boolean {
  const offered = routeOptions.config?.offers;
  return offered !== undefined && headers.accept?.toLowerCase().startsWith(offered) === true;
}

function refuseFormat(request: FastifyRequest, reply: FastifyReply): void {
  void sendError(
    request,
    reply,
    406,
    'Resource representation is only available with these types:\napplication/json',
  );
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
