/**
 * Finds the files that belong to packages of the distribution, so that what they prove is not reported twice. A list that
 * claims a file is not enough. The file must have the digest in the database, or prove the package that claims it by name
 * and version.
 */
import { isOfSystem } from './purl.ts';
import type { Digests, FileEvidence, FoundPackage, Owned, StandingEvidence } from './types.ts';

export interface OwnedFile {
  readonly path: string;
  /** MD5, SHA-1 or SHA-256 in hex, told apart by length. */
  readonly digest?: string | undefined;
}

/** Whether distributions install files at the path. A list can't hide files in a user's own folders. */
export function isSystemPath(path: string): boolean {
  return /^(?:usr\/(?!local\/)|s?bin\/|lib(?:32|64)?\/)/.test(path);
}

/** Paths that never prove a package. They are half of what a distribution installs. */
const proofless =
  /^usr\/(?:include|share\/(?:man|locale|icons|zoneinfo|i18n|help))\/|\.(?:pyc?|h|mo|gz|html|png|svg|pm|pl)$/;

/** The largest images have a tenth of this. A list with more is hostile. */
const mostPaths = 500_000;

interface OwnedList {
  readonly list: readonly Owned[];
  /**
   * @param by name of the package, or path of the file that describes it alone
   * @throws when there are more files in total than an image can have
   */
  add(by: string, files: Iterable<OwnedFile>): void;
}

/** Opens the list of one database. */
export function openOwnedList(): OwnedList {
  const list: Owned[] = [];
  let count = 0;
  return {
    list,
    add: (by, files) => {
      const owned = { by, paths: [] as string[], digests: [] as string[] };
      for (const { path, digest = '' } of files) {
        if (count++ === mostPaths) throw new Error(`it names more than ${mostPaths} paths`);
        if (!isSystemPath(path) || proofless.test(path)) continue;
        owned.paths.push(path);
        owned.digests.push(digest);
      }
      if (owned.paths.length > 0) list.push(owned);
    },
  };
}

/** Tells whether the distribution accounts for the evidence. */
export function ownershipOf(standing: readonly StandingEvidence[]): (evidence: FileEvidence) => boolean {
  const owners = ownersOf(standing);
  const asked = new Map<string, FileEvidence>();
  for (const { evidence } of standing) {
    if (isSystemPath(evidence.path)) asked.set(comparable(evidence.path), evidence);
  }
  const claims = new Map<string, Claim[]>();
  for (const { evidence } of standing) {
    for (const { by, paths, digests } of evidence.owns ?? []) {
      const owner = owners.get(by);
      if (owner === undefined) continue;
      for (const [at, path] of paths.entries()) {
        const key = comparable(path);
        if (!asked.has(key)) continue;
        const claim = { owner, digest: digests[at] ?? '' };
        const before = claims.get(key);
        if (before === undefined) claims.set(key, [claim]);
        else before.push(claim);
      }
    }
  }
  return (evidence) => {
    const all = isSystemPath(evidence.path) ? (claims.get(comparable(evidence.path)) ?? []) : [];
    // dpkg keeps the files and the digests of a package in two lists.
    const told = new Set(all.flatMap(({ owner, digest }) => (digest === '' ? [] : [owner])));
    return all.some(({ owner, digest }) =>
      told.has(owner) && evidence.digests !== undefined
        ? digest !== '' && isThere(digest, evidence.digests)
        : provesOwner(evidence, owner),
    );
  };
}

interface Claim {
  readonly owner: FoundPackage;
  readonly digest: string;
}

/** Owners by name, and by the path of the file that describes them alone. Packages of other vendors own nothing here. */
function ownersOf(standing: readonly StandingEvidence[]): ReadonlyMap<string, FoundPackage> {
  const owners = new Map<string, FoundPackage>();
  const foreign = new Set<string>();
  for (const { evidence } of standing) {
    for (const found of evidence.packages ?? []) {
      if (!isOfSystem(found.ecosystem)) continue;
      for (const key of [found.name, evidence.path]) {
        if (found.foreign) foreign.add(key);
        else owners.set(key, found);
      }
    }
  }
  for (const name of foreign) owners.delete(name);
  return owners;
}

/** Debian and others have merged `/bin` and `/lib` into `/usr`, but their lists may have the old paths. */
function comparable(path: string): string {
  return path.startsWith('usr/') ? path.slice('usr/'.length) : path;
}

function isThere(digest: string, digests: Digests | undefined): boolean {
  return digests !== undefined && [digests.md5, digests.sha1, digests.sha256].includes(digest);
}

/** `python3-requests 2.31.0+dfsg-1` proves `requests 2.31.0`. */
function provesOwner({ packages = [] }: FileEvidence, owner: FoundPackage): boolean {
  const upstream = owner.version.replace(/^\d+:/, '').replace(/-(?:r\d+|[^-]+)$/, '');
  const plain = upstream.replace(/[+~.]?(?:dfsg|ds|repack|really).*$/, '');
  const names = namesOf(owner.name);
  return (
    packages.length > 0 &&
    packages.every(
      ({ name, version }) =>
        (version === upstream || version === plain) &&
        spellings(name).some((spelling) => names.has(spelling)),
    )
  );
}

/** Names without the prefixes and suffixes that distributions add for languages. */
function namesOf(name: string): ReadonlySet<string> {
  const plain = spelt(name);
  const stem = plain.replace(/^(?:python3?|py3?|node|nodejs|ruby|rubygem|lib|golang)-?/, '');
  return new Set([plain, stem, stem.replace(/-(?:java|dev|bin|perl)$/, ''), stem.replace(/\d+$/, '')]);
}

/** Spellings of `@scope/name` and `group:artifact`. */
function spellings(name: string): readonly string[] {
  const last = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf(':')) + 1);
  return [name, last].map(spelt);
}

function spelt(name: string): string {
  return name
    .toLowerCase()
    .replace(/^@/, '')
    .replaceAll(/[-_./:]+/g, '-');
}
