/** The address of an OpenID issuer, and of the documents that it publishes. */

/** `https://host[:port][/path]`, exactly as the issuer writes it in its tokens. */
export type Issuer = string & { readonly __brand: 'Issuer' };

const longestUrl = 512;

/** Undefined for anything else: other schemes, a user, a query, a fragment, or another spelling of the same URL. */
export function parseIssuer(text: unknown): Issuer | undefined {
  if (typeof text !== 'string') return undefined;
  const url = parseHttps(text);
  if (url === undefined || /[?#]/.test(text) || !isPlainSpelling(text, url)) return undefined;
  return text as Issuer;
}

/** Undefined unless it is a URL with https, without a user, and not too long. */
export function parseHttps(text: string): URL | undefined {
  if (text.length > longestUrl || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === 'https:' && url.username === '' && url.password === '' ? url : undefined;
}

/** Where OpenID Connect Discovery 1.0, section 4, has the issuer's document. */
export function discoveryUrl(issuer: Issuer): URL {
  return new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
}

/** Refuses dots in paths, capitals in hosts and default ports, because two texts must not name one issuer. */
function isPlainSpelling(text: string, { href }: URL): boolean {
  return text === href || `${text}/` === href;
}
