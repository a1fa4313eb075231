/** The dependency graph of a document, from the scanned target down. */
import { isOfSystem } from '../inventory/purl.ts';
import type { Component } from '../types.ts';

interface TopLevel {
  /** Package URLs of packages of the distribution. */
  readonly ofSystem: readonly string[];
  readonly others: readonly string[];
}

/** The components that no other component is known to need. Of a cycle, it takes the first. */
export function topLevelOf(components: readonly Component[]): TopLevel {
  const needs = new Map(components.map(({ purl, dependsOn = [] }) => [purl, dependsOn]));
  const needed = new Set(components.flatMap(({ dependsOn = [] }) => dependsOn));
  const reached = new Set<string>();
  const reach = (from: string): void => {
    const waiting = [from];
    for (let purl = waiting.pop(); purl !== undefined; purl = waiting.pop()) {
      if (reached.has(purl)) continue;
      reached.add(purl);
      for (const next of needs.get(purl) ?? []) if (!reached.has(next)) waiting.push(next);
    }
  };
  const free = components.filter(({ purl }) => !needed.has(purl));
  for (const { purl } of free) reach(purl);
  const circles = components.filter(({ purl }) => {
    const isFirst = !reached.has(purl);
    if (isFirst) reach(purl);
    return isFirst;
  });
  const all = Map.groupBy([...free, ...circles], ({ ecosystem }) => isOfSystem(ecosystem));
  const purls = (isSystem: boolean): readonly string[] => (all.get(isSystem) ?? []).map(({ purl }) => purl);
  return { ofSystem: purls(true), others: purls(false) };
}

/** How complete the known dependencies of a component are. */
type Knowledge = 'complete' | 'incomplete' | 'unknown';

export function knowledgeOf({ dependsOn, needsMore }: Component): Knowledge {
  if (dependsOn === undefined) return 'unknown';
  return needsMore === true ? 'incomplete' : 'complete';
}
