/** The URL under which the world reaches Ward, `apiHost`. It can have a path, which a proxy takes off. */
import { serverFault } from '../faults.ts';

/** So plain that no program on the way writes it in another form. */
const pathForm = /^(?:\/[\w.~-]+)*$/;

export const notPublicUrl = 'not like https://ward.example.com, or https://example.com/ward below a prefix';

/** Without a slash at its end. Undefined: it is no such URL. */
export function publicUrlIn(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return undefined;
  if (`${url.username}${url.password}${url.search}${url.hash}` !== '') return undefined;
  const path = url.pathname.replace(/\/$/, '');
  return pathForm.test(path) ? url.origin + path : undefined;
}

/** Reads it from the environment. @throws Fault CONFIG_INVALID */
export function parsePublicUrl(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  const url = publicUrlIn(text);
  if (url !== undefined) return url;
  throw serverFault('CONFIG_INVALID', `WARD_API_HOST: ${JSON.stringify(text)} is ${notPublicUrl}`);
}

/** The path in it, without a slash at its end. */
export function prefixIn(publicUrl: string): string {
  return new URL(publicUrl).pathname.replace(/\/$/, '');
}
