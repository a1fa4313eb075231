/** Reads a list of the API page by page. */
import { call } from './client.ts';

const pageSize = 200;
/** A page that shows more than this is of no use. */
const mostEntries = 2000;

/** At most 2,000 entries. @throws ApiError */
export function listAll<T>(path: string, signal: AbortSignal): Promise<readonly T[]> {
  return listPages<readonly T[], T>(path, (entries) => entries, signal);
}

/** The same of a list whose answers have more than the entries. @throws ApiError */
export async function listPages<Page, T>(
  path: string,
  entriesOf: (page: Page) => readonly T[],
  signal: AbortSignal,
): Promise<readonly T[]> {
  const found: T[] = [];
  const mark = path.includes('?') ? '&' : '?';
  while (found.length < mostEntries) {
    const query = `limit=${pageSize}&skip=${found.length}`;
    const entries = entriesOf(await call<Page>('GET', `${path}${mark}${query}`, { signal }));
    found.push(...entries);
    if (entries.length < pageSize) break;
  }
  return found;
}
