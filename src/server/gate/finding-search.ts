/** Searches the findings of all stored reports by CVE, package or title. One search reads a bounded number of reports. */
import { type Digest, isDigest } from '../../blobs/index.ts';
import type { GateStore } from '../../gate/index.ts';
import type { Finding } from '../../scanner/index.ts';

export interface FindingSearch {
  /** A part of an id, of a package's name or of a title; case does not count. */
  readonly text: string;
  /** Digest after which an earlier search ended. */
  readonly after: string | undefined;
}

interface FoundFinding {
  readonly digest: Digest;
  /** Name of what was scanned. */
  readonly name: string;
  readonly finding: Finding;
}

export interface FindingPage {
  readonly found: readonly FoundFinding[];
  readonly reportsRead: number;
  /** Where to go on; null at the end. */
  readonly next: string | null;
}

const mostFound = 200;
const mostReports = 100;

export async function searchFindings(
  search: FindingSearch & {
    readonly store: Pick<GateStore, 'report' | 'subjects'>;
    readonly isVisible: (digest: Digest) => Promise<boolean>;
  },
): Promise<FindingPage> {
  const { store, text, after } = search;
  const wanted = text.toLowerCase();
  const found: FoundFinding[] = [];
  const subjects = await store.subjects(
    after !== undefined && isDigest(after) ? after : undefined,
    mostReports,
  );
  let reportsRead = 0;
  let last: Digest | undefined;
  for (const { digest } of subjects) {
    if (found.length >= mostFound) break;
    last = digest;
    if (!(await search.isVisible(digest))) continue;
    const stored = await store.report(digest);
    reportsRead++;
    const { findings = [], target } = stored?.report ?? {};
    for (const finding of findings)
      if (textsOf(finding).some((each) => each.toLowerCase().includes(wanted)))
        found.push({ digest, name: target?.name ?? digest, finding });
  }
  const isAtEnd = subjects.length < mostReports && last === subjects.at(-1)?.digest;
  return { found: found.slice(0, mostFound), reportsRead, next: isAtEnd ? null : (last ?? null) };
}

function textsOf(finding: Finding): readonly string[] {
  const aliases = 'aliases' in finding ? (finding.aliases ?? []) : [];
  const component = 'component' in finding ? finding.component?.name : undefined;
  return [finding.id, finding.title, ...aliases, ...(component === undefined ? [] : [component])];
}
