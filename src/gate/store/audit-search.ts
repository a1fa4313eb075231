/** Searches the audit log: by namespace and time in the database, by who and what in the entries. */
import { matchesPattern } from '../../lib/index.ts';
import type { EntryQuery, Row } from './audit-chain.ts';
import { type AuditEntry, parseEntry } from './audit-entry.ts';

export interface AuditQuery {
  /** Only entries after this one, or before it. */
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly isNewestFirst?: boolean | undefined;
  /** Only entries of this namespace. */
  readonly namespace?: string | undefined;
  /** Epoch milliseconds; `until` excluded. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** A pattern of the actor (`guest *`), and one of the event or the name (`delete-*`, `/guest/*`). */
  readonly who?: string | undefined;
  readonly what?: string | undefined;
  readonly limit: number;
}

export interface AuditFound {
  readonly entries: readonly AuditEntry[];
  /** Continue after (newest first: before) this entry, even if this page is empty; undefined at the end. */
  readonly next: number | undefined;
}

const rowsAtOnce = 500;
/** Limit of rows that one search reads, so that a rare pattern costs no more than a common one. */
const mostRows = 10_000;

/** Leaves out unreadable entries; the check of the chain names them. */
export async function searchAudit(
  read: (query: EntryQuery) => Promise<readonly Row[]>,
  query: AuditQuery,
): Promise<AuditFound> {
  const { isNewestFirst = false, namespace, limit } = query;
  const entries: AuditEntry[] = [];
  let { after = 0, before = Number.MAX_SAFE_INTEGER } = query;
  for (let rowsRead = 0; rowsRead < mostRows; ) {
    const rows = await read({
      ...{ after, before, namespace, isNewestFirst },
      since: query.since ?? 0,
      until: query.until ?? Number.MAX_SAFE_INTEGER,
      limit: query.who === undefined && query.what === undefined ? limit : rowsAtOnce,
    });
    for (const { seq, text, hash } of rows) {
      const record = parseEntry(text);
      if (record !== undefined && isMeant(record, query)) entries.push({ ...record, hash });
      if (isNewestFirst) before = seq;
      else after = seq;
      if (entries.length === limit) return { entries, next: seq };
    }
    if (rows.length === 0) return { entries, next: undefined };
    rowsRead += rows.length;
  }
  return { entries, next: isNewestFirst ? before : after };
}

function isMeant(
  { actor, event, name = '' }: Pick<AuditEntry, 'actor' | 'event' | 'name'>,
  { who = '*', what = '*' }: AuditQuery,
): boolean {
  const isWho = [actor, ...partsOf(actor)].some((each) => matchesPattern(who, each));
  return isWho && (matchesPattern(what, event) || matchesPattern(what, name));
}

/** The key and the person of `guest <id> ada of …`, so that a pattern finds what a person did with any key. */
function partsOf(actor: string): readonly string[] {
  return /^(operator|(?:.+? )?[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}) (.+)$/s.exec(actor)?.slice(1) ?? [];
}
