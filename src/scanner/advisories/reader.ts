/** Reads one file of advisories, which never changes under it. What was read once is remembered, up to a bound. */
import type { DatabaseSync } from 'node:sqlite';
import type { AdvisoryState, Ecosystem } from '../types.ts';
import { weighedCache } from './cache.ts';
import { namesOf } from './identity.ts';
import { inOrder } from './judge.ts';
import type { Advisory, Affected, Rating } from './record.ts';
import { formOf, openReadOnly } from './schema.ts';

/** An advisory, and what it says of one package. */
export interface Candidate extends Pick<Advisory, 'id' | 'published' | 'url' | 'title' | 'malicious'> {
  /** Of this file. */
  readonly key: number;
  /** Its id first, or the CVE that the id itself names. */
  readonly names: readonly string[];
  readonly upstream: readonly string[];
  readonly ratings: readonly Rating[];
  readonly affected: Affected;
  /** ISO time at which a fix was first there, where it came later than the advisory. */
  readonly fixSince: string | undefined;
}

interface CveFacts {
  readonly ratings: readonly Rating[];
  /** ISO time; undefined when it is not known. */
  readonly published: string | undefined;
  readonly exploited: boolean;
  readonly probability: number | undefined;
}

export interface AdvisoryReader extends Disposable {
  readonly state: AdvisoryState;
  /** All that speak of a package, in its ecosystem's own spelling; of every release. */
  candidates(osvEcosystem: string, name: string, ecosystem: Ecosystem): readonly Candidate[];
  factsOf(cve: string): CveFacts;
  /** Whether there is any advisory for the release, or for all releases. */
  hasRelease(osvEcosystem: string, accepts: (release: string) => boolean): boolean;
  /** ISO dates, empty where there is none, by cycle. */
  lifecycle(product: string): ReadonlyMap<string, string>;
}

/** In rows of `affected`, half a kilobyte each. */
const rememberedCandidates = 100_000;
const rememberedCves = 50_000;

/** What the file is when it can't be read. */
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
  // In an order of what they say: the same advisories give the same answers, in whatever order they were imported.
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

/** The rows are Ward's own: they were checked when they were written. */
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

/** Few, so that they are read once. */
function readReleases(db: DatabaseSync): ReadonlyMap<string, readonly string[]> {
  const row = db.prepare('select value from meta where name = ?').get('releases');
  const releases: Record<string, readonly string[]> = JSON.parse(String(row?.['value'] ?? '{}'));
  return new Map(Object.entries(releases));
}

function textOrUndefined(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberOrUndefined(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
