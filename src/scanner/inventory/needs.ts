/** What packages of one database need of each other: names of packages, of what they provide, or of their files. */
import type { FoundPackage } from './types.ts';

/** A package, and what it asks of the others. */
export interface Asking {
  readonly found: FoundPackage;
  /** Each is met by any one of its names; the first that is there counts. */
  readonly needs: readonly (readonly string[])[];
  readonly provides: readonly string[];
  /** It needs something more that can't be said so. */
  readonly needsMore?: boolean;
}

/** A package with more is a trap: the largest real ones have some hundreds. */
export const mostNeeds = 2000;
const mostProvided = 200_000;

/** The packages with the names of those that they need. */
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
