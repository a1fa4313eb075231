/** Resolves the needs of packages within one database: names of packages, of what they provide, or of their files. */
import type { FoundPackage } from './types.ts';

/** A package and its needs. */
export interface Asking {
  readonly found: FoundPackage;
  /** Any name of a need meets it; the first one present counts. */
  readonly needs: readonly (readonly string[])[];
  readonly provides: readonly string[];
  /** True if it has more needs than `needs` can express. */
  readonly needsMore?: boolean;
}

/** The largest real packages have some hundreds. A package with more is hostile. */
export const mostNeeds = 2000;
const mostProvided = 200_000;

/** Adds to each package the names of the packages that it needs. */
export function withNeeds(all: readonly Asking[]): FoundPackage[] {
  const names = new Set(all.map(({ found }) => found.name));
  const asked = new Set(all.flatMap(({ needs }) => needs.flat()));
  const providers = new Map<string, string>();
  for (const { found, provides } of all) {
    for (const name of provides) {
      if (!asked.has(name) || providers.has(name) || providers.size === mostProvided) continue;
      providers.set(name, found.name);
    }
  }
  return all.map(({ found, needs, needsMore = false }) => {
    const met = needs.map((choice) => {
      const name = choice.find((each) => names.has(each) || providers.has(each));
      return name === undefined || names.has(name) ? name : providers.get(name);
    });
    const others = new Set(met.filter((name) => name !== undefined && name !== found.name));
    const isWhole = !needsMore && !met.includes(undefined);
    return {
      ...found,
      needs: [...others].filter((name) => name !== undefined),
      ...(!isWhole && { needsMore: true as const }),
    };
  });
}
