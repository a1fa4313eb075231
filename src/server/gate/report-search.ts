/**
 * Searches all stored reports: findings by CVE, package or title, and packages by name or licence. One search reads a bounded
 * number of reports.
 */
import { type Digest, isDigest } from '../../blobs/index.ts';
import type { GateStore, VexStatement } from '../../gate/index.ts';
import type { Finding, Report } from '../../scanner/index.ts';
import { silencedIn } from './vex-view.ts';

interface SearchPlace {
  readonly store: Pick<GateStore, 'report' | 'subjects'>;
  readonly isVisible: (digest: Digest) => Promise<boolean>;
  /** Digest after which an earlier search ended. */
  readonly after: string | undefined;
}

export interface FindingSearch extends SearchPlace {
  /** A part of an id, of a package's name or of a title; case does not count. */
  readonly text: string;
}

export interface PackageSearch extends SearchPlace {
  /** A part of a name; case does not count, and '' fits all. */
  readonly text: string;
  /** A part of a licence, likewise. */
  readonly licence: string;
}

interface Found {
  readonly digest: Digest;
  /** Name of what was scanned. */
  readonly name: string;
}

export interface SearchPage<Hit> {
  readonly found: readonly (Found & Hit)[];
  readonly reportsRead: number;
  /** Where to go on; null at the end. */
  readonly next: string | null;
}

const mostFound = 200;
const mostReports = 100;

export function searchFindings(search: FindingSearch): Promise<SearchPage<{ readonly finding: Finding }>> {
  const wanted = search.text.toLowerCase();
  return searchReports(search, ({ findings }) =>
    findings
      .filter((finding) => textsOf(finding).some((each) => each.toLowerCase().includes(wanted)))
      .map((finding) => ({ finding })),
  );
}

/** Findings that the operator's VEX silences. */
export function searchSilenced(place: SearchPlace, statements: readonly VexStatement[]) {
  return searchReports(place, (report) => silencedIn(report, statements));
}

export interface FoundPackage {
  readonly ecosystem: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licences: readonly string[];
}

export function searchPackages(
  search: PackageSearch,
): Promise<SearchPage<{ readonly component: FoundPackage }>> {
  const [text, licence] = [search.text.toLowerCase(), search.licence.toLowerCase()];
  return searchReports(search, ({ inventory }) =>
    inventory.components.flatMap(({ ecosystem, name, version, purl, licences = [] }) => {
      const isLicensed = licence === '' || licences.some((each) => each.toLowerCase().includes(licence));
      if (!isLicensed || !name.toLowerCase().includes(text)) return [];
      return [{ component: { ecosystem, name, version, purl, licences } }];
    }),
  );
}

async function searchReports<Hit>(
  { store, isVisible, after }: SearchPlace,
  pick: (report: Report) => readonly Hit[],
): Promise<SearchPage<Hit>> {
  const found: (Found & Hit)[] = [];
  const start = after !== undefined && isDigest(after) ? after : undefined;
  const subjects = await store.subjects(start, mostReports);
  let reportsRead = 0;
  let last: Digest | undefined;
  for (const { digest } of subjects) {
    if (found.length >= mostFound) break;
    last = digest;
    if (!(await isVisible(digest))) continue;
    const stored = await store.report(digest);
    reportsRead++;
    if (stored === undefined) continue;
    const { report } = stored;
    found.push(...pick(report).map((hit) => ({ digest, name: report.target.name, ...hit })));
  }
  const isAtEnd = subjects.length < mostReports && last === subjects.at(-1)?.digest;
  return { found: found.slice(0, mostFound), reportsRead, next: isAtEnd ? null : (last ?? null) };
}

function textsOf(finding: Finding): readonly string[] {
  const aliases = 'aliases' in finding ? (finding.aliases ?? []) : [];
  const component = 'component' in finding ? finding.component?.name : undefined;
  return [finding.id, finding.title, ...aliases, ...(component === undefined ? [] : [component])];
}
