/** Reads `Range` (RFC 9110, 14.2) and `Content-Range` of chunks (distribution-spec v1.1, "Pushing a blob in chunks"). */
import type { ByteRange } from '../blobs/index.ts';
import { registryFault } from './faults.ts';

/**
 * Returns the requested range; undefined for the whole blob, which is also the answer to several ranges and malformed
 * ones.
 * @param size of the blob, in bytes
 * @throws Fault RANGE_UNSATISFIABLE
 */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? [];
  if (from === undefined || to === undefined || from + to === '') return undefined;
  const isSuffix = from === '';
  if (!isSuffix && to !== '' && Number(to) < Number(from)) return undefined;
  const first = isSuffix ? Math.max(0, size - Number(to)) : Number(from);
  const last = isSuffix || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (first < size && !(isSuffix && Number(to) === 0)) return { first, last };
  throw registryFault('RANGE_UNSATISFIABLE', `the range is outside the blob of ${size} bytes`);
}

/** Reads `0-99` of a chunk; returns undefined without a header. @throws Fault CONTENT_RANGE_INVALID */
export function parseContentRange(header: string | undefined): ByteRange | undefined {
  if (header === undefined) return undefined;
  const [, first, last] = /^(\d{1,15})-(\d{1,15})$/.exec(header.trim()) ?? [];
  if (first !== undefined && Number(first) <= Number(last))
    return { first: Number(first), last: Number(last) };
  throw registryFault('CONTENT_RANGE_INVALID', 'Content-Range of a chunk must be FIRST-LAST, in bytes');
}
