/** Requests that follow where a server sends them: a few times, and never to another scheme or away from TLS. */
import { scannerFault } from '../../faults.ts';
import { type AdvisorySource, isSafeUrl } from './sources.ts';

interface Asking {
  readonly source: Pick<AdvisorySource, 'name' | 'url'>;
  readonly fetch: typeof fetch;
  /** Its bytes are held against a signed list, so that TLS is not needed. */
  readonly isSigned?: boolean;
}

const statuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const mostRedirects = 5;

/** @throws Fault ADVISORIES_UNREACHABLE; what `fetch` throws */
export async function fetchFollowing(
  { source, fetch, isSigned = false }: Asking,
  request: RequestInit,
): Promise<Response> {
  let url = new URL(source.url);
  for (let hops = 0; ; hops++) {
    const response = await fetch(url.href, { ...request, redirect: 'manual' });
    const location = statuses.has(response.status) ? response.headers.get('location') : null;
    if (location === null) return response;
    await response.body?.cancel();
    const next = URL.parse(location, url.href);
    if (next === null || next.protocol !== url.protocol || !(isSigned || isSafeUrl(next.href)))
      throw astray(source, `it leads to another scheme or away from TLS: ${location.slice(0, 200)}`);
    if (hops === mostRedirects) throw astray(source, `it leads on more than ${mostRedirects} times`);
    url = next;
  }
}

function astray({ name, url }: Asking['source'], reason: string): Error {
  return scannerFault('ADVISORIES_UNREACHABLE', `${name} could not be had from ${url}: ${reason}`, {
    hint: 'Name the right URL in the list of sources, or a mirror.',
  });
}
