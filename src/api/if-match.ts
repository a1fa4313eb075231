/**
 * `ETag` and `If-Match` (RFC 9110, sections 8.8.3 and 13.1.1): a client that sends back the tag of what it has read never
 * overwrites a change that it has not seen.
 */
import type { FastifyRequest } from 'fastify';
import type { RevisionCheck } from '../functions/index.ts';

/** Proxies that compress answers make a tag weak (nginx), or give it a suffix (Caddy, Apache). */
const tagForm = /^(?:W\/)?"([0-9a-f]{32})(?:-\w+)?"$/;

export function revisionTag(revision: string): string {
  return `"${revision}"`;
}

/**
 * What the request's `If-Match` asks for; undefined without one. `*` asks for anything that exists. Weak tags match, too,
 * unlike in the RFC: a tag names a revision, not the bytes of an answer.
 */
export function revisionCheck({ headers }: FastifyRequest): RevisionCheck | undefined {
  const tags = headers['if-match']?.split(',').map((tag) => tag.trim());
  if (tags === undefined) return undefined;
  const revisions = tags.map((tag) => tagForm.exec(tag)?.[1]);
  return (revision) => revision !== undefined && (tags.includes('*') || revisions.includes(revision));
}
