/** Which techniques are meant. */
import { matchesPattern } from '../lib/index.ts';
import { proverFault } from './faults.ts';
import { techniques } from './techniques/registry.ts';
import type { AttackVector, Technique } from './types.ts';

export interface Selection {
  /** A name in which `*` stands for any characters. */
  readonly only?: string;
  readonly vector?: AttackVector;
}

/** In the order of the registry, vector by vector. @throws Fault NO_TECHNIQUE */
export function selectTechniques(selection: Selection): readonly Technique[] {
  const { only, vector } = selection;
  const found = techniques.filter(
    (technique) =>
      (only === undefined || matchesPattern(only, technique.name)) &&
      (vector === undefined || technique.vector === vector),
  );
  if (found.length > 0) return found;
  throw proverFault('NO_TECHNIQUE', `no technique is called ${only ?? 'so'}`, {
    hint: 'ward prove --list',
  });
}
