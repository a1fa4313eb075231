/**
 * A mirror of the public exports, by HTTP or as a folder: each file lies at the host and the path of its public URL, as
 * `wget --force-directories` puts it.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { scannerFault } from '../../faults.ts';
import { type AdvisorySource, isSafeUrl } from './sources.ts';

export interface Mirror {
  /** Ends in a slash; of the scheme `file` for a folder. */
  readonly url: URL;
  /** Whether the operator's key made the signature. Undefined: nobody signs. */
  readonly verify?: ((content: Uint8Array, signature: Uint8Array) => boolean) | undefined;
}

/**
 * @param from a URL, or the path of a folder
 * @param verify With it every byte is signed, so that TLS is not needed.
 * @throws Fault ADVISORY_SOURCES_INVALID
 */
export function mirrorAt(from: string, verify?: Mirror['verify']): Mirror {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(from)) return { url: pathToFileURL(`${resolve(from)}/`), verify };
  const url = URL.parse(from);
  const isPlain = url?.protocol === 'http:' && url.username === '' && url.password === '';
  if (url === null || !(isSafeUrl(from) || (isPlain && verify !== undefined))) {
    throw scannerFault('ADVISORY_SOURCES_INVALID', `${from} is no mirror that can be trusted`, {
      hint: 'Name a folder or a URL of https; one of http only with a key that signs it, or on this machine.',
    });
  }
  url.search = '';
  url.hash = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return { url, verify };
}

/** The source as the mirror has it. @throws Fault ADVISORY_SOURCES_INVALID */
export function atMirror(source: AdvisorySource, { url }: Mirror): AdvisorySource {
  const path = mirrorPath(source);
  return { ...source, url: new URL(path.split('/').map(encodeURIComponent).join('/'), url).href };
}

/** `HOST/PATH` as a file has it: without escapes. @throws Fault ADVISORY_SOURCES_INVALID for what no file can be called */
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
