/** Opens the advisory file for matching. */
import { type BigIntStats, statSync } from 'node:fs';
import { errnoOf, messageOf } from '../../lib/index.ts';
import type { Component, Distribution, Malware, Vulnerability } from '../types.ts';
import { corrupt, unreadable } from './importing/old.ts';
import { createMatch, type Match } from './match.ts';
import { type AdvisoryReader, openReader } from './reader.ts';
import { releaseMatches } from './releases.ts';
import type { AdvisoryDatabase } from './types.ts';

interface Opened {
  readonly reader: AdvisoryReader;
  readonly match: Match;
  /** Identifies the file, because a new one replaces it under the same name. */
  readonly file: string;
}

/**
 * Opens the file at `path`. If there is none yet, there are no advisories until `refresh` finds it. Answers are computed on
 * the calling thread and take some microseconds for each component.
 * @throws Fault ADVISORIES_CORRUPT, ADVISORIES_UNSUPPORTED
 */
export function openAdvisories({ path }: { readonly path: string }): AdvisoryDatabase {
  return new Database(path);
}

class Database implements AdvisoryDatabase {
  readonly #path: string;
  #opened: Opened | undefined;

  constructor(path: string) {
    this.#path = path;
    this.refresh();
  }

  state() {
    return this.#opened?.reader.state;
  }

  mark() {
    return this.#opened?.reader.mark;
  }

  match(
    components: readonly Component[],
    distribution: Distribution | undefined,
  ): readonly (Vulnerability | Malware)[] {
    return guarded(this.#path, () => this.#opened?.match(components, distribution) ?? []);
  }

  covers(distribution: Distribution): boolean {
    const reader = this.#opened?.reader;
    return releaseMatches(distribution).some(({ ecosystem, accepts }) =>
      reader?.hasRelease(ecosystem, accepts),
    );
  }

  knows(distribution: Distribution): boolean {
    const reader = this.#opened?.reader;
    return releaseMatches(distribution).some(
      ({ ecosystem, isTold, accepts }) =>
        isTold && (reader?.hasRelease(ecosystem, accepts) || !reader?.hasRelease(ecosystem, () => true)),
    );
  }

  endOfLife(distribution: Distribution): string | undefined {
    const reader = this.#opened?.reader;
    return reader && guarded(this.#path, () => lifecycleOf(reader, distribution));
  }

  refresh(): boolean {
    const file = fileAt(this.#path);
    if (file === this.#opened?.file) return false;
    const before = this.#opened;
    const next = file === undefined ? undefined : open(this.#path, file);
    this.#opened = next;
    before?.reader[Symbol.dispose]();
    return next?.reader.state.revision !== before?.reader.state.revision;
  }

  [Symbol.dispose](): void {
    this.#opened?.reader[Symbol.dispose]();
    this.#opened = undefined;
  }
}

function open(path: string, file: string): Opened {
  const reader = guarded(path, () => openReader(path));
  if (typeof reader === 'string') throw unreadable(path, reader);
  return { reader, match: createMatch(reader), file };
}

/** Identifies the file at `path`; undefined when there is none. */
function fileAt(path: string): string | undefined {
  try {
    const found: BigIntStats = statSync(path, { bigint: true });
    return `${found.dev} ${found.ino} ${found.mtimeNs} ${found.size}`;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw corrupt(path, messageOf(error));
  }
}

function guarded<Answer>(path: string, ask: () => Answer): Answer {
  try {
    return ask();
  } catch (error) {
    throw error instanceof Error && 'errcode' in error ? corrupt(path, error.message) : error;
  }
}

/** Maps `ID` of os-release to a product of endoflife.date. All others have the same name in both. */
const products = new Map([
  ['alpine', 'alpine-linux'],
  ['rocky', 'rocky-linux'],
  ['amzn', 'amazon-linux'],
  ['opensuse-leap', 'opensuse'],
  ['ol', 'oracle-linux'],
]);

/**
 * The ISO date until which endoflife.date says the release gets security fixes; undefined when it is unknown or not
 * decided.
 */
function lifecycleOf(reader: AdvisoryReader, { id, versionId }: Distribution): string | undefined {
  const ends = reader.lifecycle(products.get(id) ?? id);
  // Finds the longest prefix that is a cycle: 3.20.1 → 3.20, 9.4 → 9.
  for (let cycle = versionId; cycle !== ''; cycle = cycle.slice(0, Math.max(0, cycle.lastIndexOf('.')))) {
    const end = ends.get(cycle);
    if (end !== undefined) return end === '' ? undefined : end;
  }
  return undefined;
}
