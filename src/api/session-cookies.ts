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

/** `away` is not a session: the browser keeps it while a person logs in at an issuer. */
export type SessionTokens = Readonly<Partial<Record<SessionOwner | 'away', string>>>;

/** A browser that is at an issuer. */
export interface Away {
  readonly issuer: string;
  readonly secret: string;
  /** Of the session that a further login renews; null: of an operator without one. */
  readonly renews?: string | null;
}

/** Browsers accept such a name only from this host, for the whole of it, and over a secure connection. */
const prefix = '__Host-ward-';
type CookieName = SessionOwner | 'away';
const names: Readonly<Record<CookieName, string>> = {
  key: `${prefix}key`,
  operator: `${prefix}operator`,
  choice: `${prefix}choice`,
  away: `${prefix}away`,
};
const owners: readonly SessionOwner[] = ['key', 'operator', 'choice'];
const ofHost = 'Path=/; HttpOnly; Secure';
const attributes = `${ofHost}; SameSite=Strict`;
/** The issuer, which is another site, sends the browser back: a strict cookie would stay away. */
const awayAttributes = `${ofHost}; SameSite=Lax`;
const awaySeconds = 600;
/** No text is encoded so. */
const withoutNamespace = '-';
const secretPattern = /^[\w-]{43}$/;
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
    const tokenOf = (owner: CookieName) => {
      const found = pairs.filter((pair) => pair.startsWith(`${names[owner]}=`));
      return found.length === 1 ? found[0]?.slice(names[owner].length + 1) : undefined;
    };
    const known = [...owners, 'away' as const].map((owner) => [owner, tokenOf(owner)] as const);
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
  addCookie(reply, `${names[kind]}=${token}; ${attributes}; Max-Age=${Math.floor(lifeMs / 1000)}`);
}

export function clearSessionCookies(reply: FastifyReply, which = owners): void {
  for (const owner of which) addCookie(reply, `${names[owner]}=; ${attributes}; Max-Age=0`);
}

export function setAwayCookie(reply: FastifyReply, { issuer, secret, renews }: Away): void {
  const encoded = (text: string) => Buffer.from(text).toString('base64url');
  const parts = [secret, encoded(issuer)];
  if (renews !== undefined) parts.push(renews === null ? withoutNamespace : encoded(renews));
  const value = parts.join('.');
  addCookie(reply, `${names.away}=${value}; ${awayAttributes}; Max-Age=${awaySeconds}`);
}

export function clearAwayCookie(reply: FastifyReply): void {
  addCookie(reply, `${names.away}=; ${awayAttributes}; Max-Age=0`);
}

/** Also for the request of another site: only the browser that began a login has the secret. */
export function awayOf({ sessionTokens }: FastifyRequest): Away | undefined {
  const [secret = '', issuer = '', renews] = sessionTokens?.away?.split('.') ?? [];
  if (!secretPattern.test(secret)) return undefined;
  const decoded = (text: string) => Buffer.from(text, 'base64url').toString();
  const away = { secret, issuer: decoded(issuer) };
  if (renews === undefined) return away;
  return { ...away, renews: renews === withoutNamespace ? null : decoded(renews) };
}

/** Fastify keeps those of earlier calls. */
function addCookie(reply: FastifyReply, cookie: string): void {
  reply.header('set-cookie', cookie);
}

/** Whether an answer with this `Set-Cookie` would put somebody into the session of another person. */
export function isSessionCookie(value: string): boolean {
  return value.trimStart().startsWith(prefix);
}
