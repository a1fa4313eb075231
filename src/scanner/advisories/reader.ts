/** Reads one advisory file, which never changes while it is open. Answers are cached up to a limit. */
import type { DatabaseSync } from 'node:sqlite';
import type { AdvisoryState, Ecosystem } from '../types.ts';
import { weighedCache } from './cache.ts';
import { namesOf } from './identity.ts';
import { inOrder } from './judge.ts';
import type { Advisory, Affected, Rating } from './record.ts';
import { formOf, openReadOnly } from './schema.ts';
import type { AdvisoryMark } from './types.ts';

/** An advisory about one package. */
export interface Candidate extends Pick<Advisory, 'id' | 'published' | 'url' | 'title' | 'malicious'> {
  /** Id of the row in this file. */
  readonly key: number;
  /** All names; the first is its id, or the CVE that the id contains. */
  readonly names: readonly string[];
  readonly upstream: readonly string[];
  readonly ratings: readonly Rating[];
  readonly affected: Affected;
  /** ISO time at which a fix became known, if that was after the publication. */
  readonly fixSince: string | undefined;
}

interface CveFacts {
  readonly ratings: readonly Rating[];
  /** ISO time; undefined when unknown. */
  readonly published: string | undefined;
  readonly exploited: boolean;
  readonly probability: number | undefined;
}

export interface AdvisoryReader extends Disposable {
  readonly state: AdvisoryState;
  readonly mark: AdvisoryMark;
  /** All advisories about a package of any release. `name` is spelt as in its ecosystem. */
  candidates(osvEcosystem: string, name: string, ecosystem: Ecosystem): readonly Candidate[];
  factsOf(cve: string): CveFacts;
  /** Whether any advisory covers the release, or all releases. */
  hasRelease(osvEcosystem: string, accepts: (release: string) => boolean): boolean;
  /** ISO dates by cycle; empty where there is none. */
  lifecycle(product: string): ReadonlyMap<string, string>;
}

/** The number of rows of `affected` to cache, half a kilobyte each. */
const rememberedCandidates = 100_000;
const rememberedCves = 50_000;

/** The reason why a file can't be read. */
type Unreadable = 'older' | 'newer' | 'foreign';

/** @throws what node:sqlite throws */
export function openReader(path: string): AdvisoryReader | Unreadable {
  const db = openReadOnly(path);
  try {
    const form = formOf(db);
    if (form === 'ours') return createReader(db);
    db.close();
    return form;
  } catch (error) {
    db.close();
    throw error;
  }
}

function createReader(db: DatabaseSync): AdvisoryReader {
  // Sorted by content: the same advisories give the same answers, even if they were imported in another order.
  const select = {
    affected: db.prepare(
      `select f.rowid as key, a.name as id, a.body as advisory, f.release, f.fix_since, f.body as affected
        from affected f join advisory a on a.id = f.advisory
        where f.name = ? and f.ecosystem = ? and f.superseded = 0
        order by a.name, a.modified, f.release, a.body, f.body`,
    ),
    rating: db.prepare('select body from rating where cve = ? order by body'),
    published: db.prepare('select min(at) as at from published where cve = ?'),
    exploited: db.prepare('select 1 from exploited where cve = ? limit 1'),
    probability: db.prepare('select max(value) as value from probability where cve = ?'),
    lifecycle: db.prepare('select cycle, ends from lifecycle where product = ? order by cycle, ends'),
  };
  const candidates = weighedCache<readonly Candidate[]>(rememberedCandidates, (list) => list.length);
  const facts = weighedCache<CveFacts>(rememberedCves, () => 0);
  const releases = readReleases(db);
  const readFacts = (cve: string): CveFacts => ({
    ratings: select.rating.all(cve).map(({ body }): Rating => JSON.parse(String(body))),
    published: textOrUndefined(select.published.get(cve)?.['at']),
    exploited: select.exploited.get(cve) !== undefined,
    probability: numberOrUndefined(select.probability.get(cve)?.['value']),
  });
  return {
    state: readState(db),
    mark: readMark(db),
    candidates: (osvEcosystem, name, ecosystem) =>
      candidates.get(`${osvEcosystem}\n${name}`, () =>
        select.affected.all(name, osvEcosystem).map((row) => toCandidate(row, osvEcosystem, name, ecosystem)),
      ),
    factsOf: (cve) => facts.get(cve, () => readFacts(cve)),
    hasRelease: (osvEcosystem, accepts) => releases.get(osvEcosystem)?.some(accepts) ?? false,
    lifecycle: (product) =>
      new Map(select.lifecycle.all(product).map(({ cycle, ends }) => [String(cycle), String(ends)])),
    [Symbol.dispose]: () => db.close(),
  };
}

/** The rows are Ward's own and were checked when they were written. */
function toCandidate(
  row: Record<string, unknown>,
  osvEcosystem: string,
  name: string,
  ecosystem: Ecosystem,
): Candidate {
  const id = String(row['id']);
  const head: Partial<Advisory> = JSON.parse(String(row['advisory']));
  const body: Partial<Affected> = JSON.parse(String(row['affected']));
  return {
    key: Number(row['key']),
    id,
    names: namesOf(id, head.aliases ?? []),
    upstream: head.upstream ?? [],
    title: head.title ?? id,
    url: head.url,
    published: head.published,
    malicious: head.malicious ?? false,
    ratings: body.ratings ?? head.ratings ?? [],
    fixSince: textOrUndefined(row['fix_since']),
    affected: {
      ecosystem: osvEcosystem,
      release: String(row['release']),
      name,
      ranges: (body.ranges ?? []).map((range) => inOrder(range, ecosystem)),
      versions: body.versions ?? [],
      constraint: body.constraint,
      status: body.status,
      module: body.module,
      ratings: body.ratings ?? [],
    },
  };
}

export function readState(db: DatabaseSync): AdvisoryState {
  const meta = new Map(
    db
      .prepare('select name, value from meta')
      .all()
      .map(({ name, value }) => [String(name), String(value)]),
  );
  const checked = db.prepare('select min(checked_at) as oldest from source').get()?.['oldest'];
  return {
    revision: meta.get('revision') ?? '',
    updatedAt: meta.get('newest') || undefined,
    checkedAt: typeof checked === 'string' ? checked : undefined,
    count: Number(meta.get('count') ?? 0),
  };
}

export function readMark(db: DatabaseSync): AdvisoryMark {
  const of = (name: string) =>
    textOrUndefined(db.prepare('select value from meta where name = ?').get(name)?.['value']);
  // Earlier versions did not note when they built it.
  const checked = () => db.prepare('select max(checked_at) as at from source').get()?.['at'];
  return { revision: of('revision') ?? '', builtAt: of('built') ?? textOrUndefined(checked()) ?? '' };
}

/** There are few releases, so they are read once. */
function readReleases(db: DatabaseSync): ReadonlyMap<string, readonly string[]> {
  const row = db.prepare('select value from meta where name = ?').get('releases');
  const releases: Record<string, readonly string[]> = JSON.parse(String(row?.['value'] ?? '{}'));
  return new Map(Object.entries(releases));
}

export function textOrUndefined(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberOrUndefined(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
