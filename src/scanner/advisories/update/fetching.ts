/** What an update needs beside `fetch`: redirects that stay safe, a `fetch` for folders, and digests that servers send. */
import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { errnoOf } from '../../../lib/index.ts';
import { scannerFault } from '../../faults.ts';
import { type AdvisorySource, isSafeUrl } from './sources.ts';

interface Asking {
  readonly source: Pick<AdvisorySource, 'name' | 'url'>;
  readonly fetch: typeof fetch;
  /** A signed list covers the bytes, so TLS is not needed. */
  readonly isSigned?: boolean;
}

export interface SaidDigest {
  readonly algorithm: 'sha256' | 'md5';
  readonly base64: string;
}

const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const mostRedirects = 5;
const statusOfErrno: Readonly<Record<string, number>> = {
  ENOENT: 404,
  ENOTDIR: 404,
  EACCES: 403,
  EPERM: 403,
};

/**
 * Follows a few redirects, but never to another scheme or away from TLS.
 * @throws Fault ADVISORIES_UNREACHABLE; what `fetch` throws
 */
export async function fetchFollowing(
  { source, fetch, isSigned = false }: Asking,
  request: RequestInit,
): Promise<Response> {
  let url = new URL(source.url);
  for (let hops = 0; ; hops++) {
    const response = await fetch(url.href, { ...request, redirect: 'manual' });
    const location = redirectStatuses.has(response.status) ? response.headers.get('location') : null;
    if (location === null) return response;
    await response.body?.cancel();
    const next = URL.parse(location, url.href);
    if (next === null || next.protocol !== url.protocol || !(isSigned || isSafeUrl(next.href)))
      throw astray(source, `it redirects to another scheme or away from TLS: ${location.slice(0, 200)}`);
    if (hops === mostRedirects) throw astray(source, `it redirects more than ${mostRedirects} times`);
    url = next;
  }
}

/** A `fetch` for `file` URLs, with tags, dates and lengths. It never resumes, since files are local. */
export const folderFetch: typeof fetch = async (input, init) => {
  const path = fileURLToPath(input instanceof Request ? input.url : input);
  let file: FileHandle | undefined;
  try {
    // Opening a pipe or a device must not block.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size, mtime, ino } = await file.stat({ bigint: true });
    if (!(await file.stat()).isFile()) return await closed(file, 404);
    const etag = `"${ino}-${size}-${mtime.getTime()}"`;
    if (new Headers(init?.headers).get('if-none-match') === etag) return await closed(file, 304);
    const headers = { etag, 'content-length': String(size), 'last-modified': mtime.toUTCString() };
    const bytes = file.createReadStream({ highWaterMark: 256 * 1024, signal: init?.signal ?? undefined });
    return new Response(Readable.toWeb(bytes), { headers });
  } catch (error) {
    await file?.close();
    const status = statusOfErrno[errnoOf(error) ?? ''];
    if (status === undefined) throw error;
    return new Response(null, { status });
  }
};

/**
 * Reads digests that servers send: `Repr-Digest` (RFC 9530), and `x-goog-hash` of Google Cloud Storage, which serves OSV's
 * exports. They detect damage in transit.
 */
export function saidDigests({ headers }: Response): readonly SaidDigest[] {
  const sha256 = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(headers.get('repr-digest') ?? '')?.[1];
  const md5 = /(?:^|,)\s*md5=([A-Za-z0-9+/]{22}==)/.exec(headers.get('x-goog-hash') ?? '')?.[1];
  return [
    ...(sha256 === undefined ? [] : [{ algorithm: 'sha256', base64: sha256 } as const]),
    ...(md5 === undefined ? [] : [{ algorithm: 'md5', base64: md5 } as const]),
  ];
}

/** The algorithm whose digest differs; undefined when all match. */
export async function checkSaid(
  file: string,
  said: readonly SaidDigest[],
): Promise<SaidDigest['algorithm'] | undefined> {
  if (said.length === 0) return undefined;
  const hashes = said.map((each) => ({ ...each, hash: createHash(each.algorithm) }));
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }))
    for (const { hash } of hashes) hash.update(chunk);
  return hashes.find(({ hash, base64 }) => hash.digest('base64') !== base64)?.algorithm;
}

async function closed(file: FileHandle, status: number): Promise<Response> {
  await file.close();
  return new Response(null, { status });
}

function astray({ name, url }: Asking['source'], reason: string): Error {
  return scannerFault('ADVISORIES_UNREACHABLE', `${name} could not be fetched from ${url}: ${reason}`, {
    hint: 'Name the right URL in the list of sources, or a mirror.',
  });
}
