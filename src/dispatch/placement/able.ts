/** Remembers whether an invoker can run a job. Each call asks, and an answer needs a whole sandbox policy. */
import { BoundedMap } from '../../lib/index.ts';
import { type InvokerAbilities, requireAble } from '../abilities.ts';
import type { PlacementTarget } from './types.ts';

const mostRemembered = 10_000;
const answers = new WeakMap<InvokerAbilities, Map<string, boolean>>();

/**
 * @param hash the target's `groupHash`, which changes with everything that the answer depends on
 * @param abilities must not change. The same object for many invokers is answered once.
 */
export function isAble(target: PlacementTarget, hash: string, abilities: InvokerAbilities): boolean {
  let known = answers.get(abilities);
  if (known === undefined) {
    known = new BoundedMap(mostRemembered);
    answers.set(abilities, known);
  }
  let answer = known.get(hash);
  if (answer === undefined) {
    answer = canRun(target, abilities);
    known.set(hash, answer);
  }
  return answer;
}

function canRun(target: PlacementTarget, abilities: InvokerAbilities): boolean {
  try {
    requireAble(target, abilities);
    return true;
  } catch {
    return false;
  }
}
