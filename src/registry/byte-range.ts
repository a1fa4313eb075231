/** `Range` of downloads (RFC 9110, 14.2) and `Content-Range` of uploads (distribution-spec v1.1, "Pushing a blob in chunks"). */
import type { ByteRange } from '../blobs/index.ts';
import { registryFault } from './faults.ts';

/**
 * The one range that is asked for; undefined when all of it is to be sent, which is so, too, for what is not
 * understood and for several ranges at once.
 * @param size Bytes that there are.
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
  throw registryFault('RANGE_UNSATISFIABLE', `there are ${size} bytes, and none of them is in the range`);
}

/** `0-99` of a chunk; undefined when there is no header. @throws Fault CONTENT_RANGE_INVALID */
export function parseContentRange(header: string | undefined): ByteRange | undefined {
  if (header === undefined) return undefined;
  const [, first, last] = /^(\d{1,15})-(\d{1,15})$/.exec(header.trim()) ?? [];
  if (first !== undefined && Number(first) <= Number(last))
    return { first: Number(first), last: Number(last) };
  throw registryFault('CONTENT_RANGE_INVALID', 'Content-Range of a chunk is FIRST-LAST, in bytes');
}
