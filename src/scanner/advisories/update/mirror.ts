/**
 * A mirror of the public exports, over HTTP or in a folder. Each file lies at the host and path of its public URL, which is
 * the layout of `wget --force-directories`.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { scannerFault } from '../../faults.ts';
import { type AdvisorySource, isSafeUrl } from './sources.ts';

export interface Mirror {
  /** Ends with a slash. A folder has the scheme `file`. */
  readonly url: URL;
  /** Checks the signature with the operator's key. Undefined when no signature is required. */
  readonly verify?: ((content: Uint8Array, signature: Uint8Array) => boolean) | undefined;
}

/**
 * @param from a URL, or the path of a folder
 * @param verify With it a signature covers every byte, so TLS is not needed.
 * @throws Fault ADVISORY_SOURCES_INVALID
 */
export function mirrorAt(from: string, verify?: Mirror['verify']): Mirror {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(from)) return { url: pathToFileURL(`${resolve(from)}/`), verify };
  const url = URL.parse(from);
  const isPlain = url?.protocol === 'http:' && url.username === '' && url.password === '';
  if (url === null || !(isSafeUrl(from) || (isPlain && verify !== undefined))) {
    throw scannerFault('ADVISORY_SOURCES_INVALID', `${from} is not a mirror that can be trusted`, {
      hint: 'Name a folder or an https URL. An http URL must be on this machine, or needs a key that signs the mirror.',
    });
  }
  url.search = '';
  url.hash = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return { url, verify };
}

/** The source with its URL at the mirror. @throws Fault ADVISORY_SOURCES_INVALID */
export function atMirror(source: AdvisorySource, { url }: Mirror): AdvisorySource {
  const path = mirrorPath(source);
  return { ...source, url: new URL(path.split('/').map(encodeURIComponent).join('/'), url).href };
}

/** `HOST/PATH` without escapes. @throws Fault ADVISORY_SOURCES_INVALID when it can't be the path of a file */
export function mirrorPath({ name, url }: Pick<AdvisorySource, 'name' | 'url'>): string {
  const { host, pathname, search } = new URL(url);
  const parts = [host, ...`${pathname}${search}`.split('/').slice(1)].map(decoded);
  const isName = (part: string | undefined) => part !== undefined && !/^\.{0,2}$|[/\0\n\\]/.test(part);
  if (parts.every(isName)) return parts.join('/');
  throw scannerFault('ADVISORY_SOURCES_INVALID', `no file of a mirror can be at the URL of ${name}`);
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
