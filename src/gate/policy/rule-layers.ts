/** Pairs the rules of a policy with those that may be merged over or below them, to find contradictions. */
import type { PolicyProblem, TextPosition } from './policy-problem.ts';
import { type PolicyFile, rulesIn, type SomeRules } from './rules-schema.ts';

type Override = NonNullable<PolicyFile['overrides']>[number];
export type PlaceOf = (path: readonly PropertyKey[]) => TextPosition;

/** Rules of the file, with the rules that may be merged over or below them. */
export interface Layer {
  readonly path: readonly PropertyKey[];
  readonly rules: SomeRules;
  readonly below: readonly SomeRules[];
  /** Overrides that may apply together with it. */
  readonly others: readonly SomeRules[];
}

export type Tell = (path: readonly PropertyKey[], message: string, suggestion: string) => PolicyProblem;

export function layersOf(file: PolicyFile, own: SomeRules): readonly Layer[] {
  const { rules = {}, overrides = [] } = file;
  return rulesIn(file).map(([path, its], index) => {
    const override = overrides[index - 1];
    if (override === undefined) {
      return { path, rules: its, below: [own], others: overrides.map((each) => each.rules) };
    }
    const others = overrides.filter((each) => each !== override && mayMeet(each, override));
    return { path, rules: its, below: [own, rules], others: others.map((each) => each.rules) };
  });
}

/** Returns false only if the two share no namespace or no stage. */
function mayMeet(a: Override, b: Override): boolean {
  const isPlain = (names: readonly string[]) => !names.some((name) => name.includes('*'));
  const areApart = (one: readonly string[] | undefined, two: readonly string[] | undefined) =>
    one !== undefined &&
    two !== undefined &&
    isPlain(one) &&
    isPlain(two) &&
    !one.some((name) => two.includes(name));
  return !areApart(a.namespaces, b.namespaces) && !areApart(a.stages, b.stages);
}
