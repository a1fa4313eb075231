/** Which techniques are meant. */
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
  const isMeant = only === undefined ? () => true : namePattern(only);
  const found = techniques.filter(
    (technique) => isMeant(technique.name) && (vector === undefined || technique.vector === vector),
  );
  if (found.length > 0) return found;
  throw proverFault('NO_TECHNIQUE', `no technique is called ${only ?? 'so'}`, {
    hint: 'ward prove --list',
  });
}

/** Each part between stars is looked for behind the one before it, so that no pattern takes long. */
function namePattern(pattern: string): (name: string) => boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  return (name) => {
    if (last === undefined) return name === first;
    if (!name.startsWith(first)) return false;
    let at = first.length;
    for (const part of rest) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return name.length - last.length >= at && name.endsWith(last);
  };
}
