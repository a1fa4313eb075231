/** Makes an inventory of the packages that a document of any form lists. */
import { componentOf, distributionOf, isOfSystem } from '../inventory/purl.ts';
import type { Component, Distribution, Gap, Inventory, Location } from '../types.ts';

/** A package in a document. */
export interface Listed {
  readonly name: string;
  readonly purl: string | undefined;
  readonly places: readonly Location[];
  readonly licences?: readonly string[] | undefined;
}

const maxGaps = 200;

export function inventoryOf(
  listed: readonly Listed[],
  stated: Distribution | undefined,
  gaps: readonly Gap[],
): Inventory {
  const components = new Map<string, Component>();
  const unknown: Gap[] = [];
  for (const each of listed) {
    const found = each.purl === undefined ? undefined : componentOf(each.purl);
    if (found === undefined) {
      unknown.push({ path: each.purl ?? each.name, reason: reasonOf(each) });
      continue;
    }
    const before = components.get(found.purl);
    const places = [...(before?.places ?? []), ...each.places];
    components.set(found.purl, { ...found, ...(each.licences && { licences: each.licences }), places });
  }
  const distribution = stated ?? distributionAmong([...components.values()]);
  const hasSystem = [...components.values()].some(({ ecosystem }) => isOfSystem(ecosystem));
  if (distribution === undefined && hasSystem) {
    unknown.push({ path: '', reason: 'it does not name the distribution of its packages' });
  }
  return {
    distribution,
    components: [...components.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1)),
    layers: [],
    gaps: limited([...gaps, ...unknown]),
  };
}

function reasonOf({ name, purl }: Listed): string {
  if (purl === undefined) return `${name} has no package URL, so advisories can't be looked up`;
  return 'the package URL is invalid, has no version, or is of an unknown kind';
}

/** The distribution that most system packages name. */
function distributionAmong(components: readonly Component[]): Distribution | undefined {
  const counts = new Map<string, { readonly distribution: Distribution; count: number }>();
  for (const { purl, ecosystem } of components) {
    const found = isOfSystem(ecosystem) ? distributionOf(purl) : undefined;
    if (found === undefined) continue;
    const key = `${found.id}-${found.versionId}`;
    const entry = counts.get(key) ?? { distribution: { ...found, name: key }, count: 0 };
    entry.count++;
    counts.set(key, entry);
  }
  return [...counts.values()].sort((a, b) => b.count - a.count)[0]?.distribution;
}

function limited(gaps: readonly Gap[]): Gap[] {
  const cut = gaps.slice(0, maxGaps).map(({ path, reason }) => ({ path: path.slice(0, 500), reason }));
  return gaps.length > maxGaps ? [...cut, { path: '', reason: 'there are more gaps than are listed' }] : cut;
}
