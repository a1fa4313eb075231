/** Reads a list of the API page by page. */
import { call } from './client.ts';

const pageSize = 200;
/** A page that shows more than this is of no use. */
const mostEntries = 2000;

/** At most 2,000 entries. @throws ApiError */
export async function listAll<T>(path: string, signal: AbortSignal): Promise<readonly T[]> {
  const found: T[] = [];
  const mark = path.includes('?') ? '&' : '?';
  while (found.length < mostEntries) {
    const query = `limit=${pageSize}&skip=${found.length}`;
    const page = await call<readonly T[]>('GET', `${path}${mark}${query}`, { signal });
    found.push(...page);
    if (page.length < pageSize) break;
  }
  return found;
}
