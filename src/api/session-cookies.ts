/**
 * The cookies of the console's sessions. Ward takes them out of every request before anything else reads it: the
 * functions of tenants are on the same host, and must not see them.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { BegunSession, SessionOwner } from '../functions/index.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Tokens that the browser sent, if any. */
    sessionTokens: SessionTokens | undefined;
  }
}

export type SessionTokens = Readonly<Partial<Record<SessionOwner, string>>>;

/** Browsers accept such a name only from this host, for the whole of it, and over a secure connection. */
const prefix = '__Host-ward-';
const names: Readonly<Record<SessionOwner, string>> = { key: `${prefix}key`, operator: `${prefix}operator` };
const owners: readonly SessionOwner[] = ['key', 'operator'];
const attributes = 'Path=/; HttpOnly; Secure; SameSite=Strict';
/** A page of another origin can't send it without asking first, and Ward never allows it. */
const consoleHeader = 'x-ward-console';

/** Call it before hooks that read headers. */
export function takeSessionCookies(app: FastifyInstance): void {
  app.decorateRequest('sessionTokens', undefined);
  app.addHook('onRequest', (request, _reply, done) => {
    const { headers } = request.raw;
    const given = headers.cookie;
    if (given?.includes(prefix) !== true) return done();
    const pairs = given.split(';').map((pair) => pair.trim());
    const others = pairs.filter((pair) => !pair.startsWith(prefix));
    if (others.length === 0) delete headers.cookie;
    else headers.cookie = others.join('; ');
    // A cookie that is sent twice does not count.
    const tokenOf = (owner: SessionOwner) => {
      const found = pairs.filter((pair) => pair.startsWith(`${names[owner]}=`));
      return found.length === 1 ? found[0]?.slice(names[owner].length + 1) : undefined;
    };
    const known = owners.map((owner) => [owner, tokenOf(owner)] as const);
    request.sessionTokens = Object.fromEntries(known.filter(([, token]) => token !== undefined));
    done();
  });
}

/**
 * The tokens of a request that a page of this very origin made. None for the request of any other page, even if the
 * browser sends the cookies along with it.
 */
export function ownTokens(request: FastifyRequest): SessionTokens {
  return (isOfConsole(request) ? request.sessionTokens : undefined) ?? {};
}

export function isOfConsole({ headers }: FastifyRequest): boolean {
  return headers[consoleHeader] === '1' && headers['sec-fetch-site'] === 'same-origin';
}

export function setSessionCookie(reply: FastifyReply, { token, kind, lifeMs }: BegunSession): void {
  reply.header('set-cookie', `${names[kind]}=${token}; ${attributes}; Max-Age=${Math.floor(lifeMs / 1000)}`);
}

export function clearSessionCookies(reply: FastifyReply): void {
  reply.header(
    'set-cookie',
    owners.map((owner) => `${names[owner]}=; ${attributes}; Max-Age=0`),
  );
}

/** Whether an answer with this `Set-Cookie` would put somebody into the session of another person. */
export function isSessionCookie(value: string): boolean {
  return value.trimStart().startsWith(prefix);
}
