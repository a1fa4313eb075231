/** Selects techniques by name and vector. */
import { matchesPattern } from '../lib/index.ts';
import { proverFault } from './faults.ts';
import { techniques } from './techniques/registry.ts';
import type { AttackVector, Technique } from './types.ts';

interface Selection {
  /** Names in which `*` stands for any characters. A pattern that selects nothing is an error. */
  readonly only?: readonly string[];
  readonly vector?: AttackVector;
}

/** In the order of the registry, vector by vector. @throws Fault NO_TECHNIQUE */
export function selectTechniques(selection: Selection): readonly Technique[] {
  const { only, vector } = selection;
  const possible = techniques.filter((technique) => vector === undefined || technique.vector === vector);
  if (only === undefined) return possible;
  for (const pattern of only) {
    if (possible.some(({ name }) => matchesPattern(pattern, name))) continue;
    throw proverFault('NO_TECHNIQUE', `no technique is called ${pattern}`, { hint: 'ward prove --list' });
  }
  return possible.filter(({ name }) => only.some((pattern) => matchesPattern(pattern, name)));
}
