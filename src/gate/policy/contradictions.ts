/**
 * Finds valid rules that make no sense: rules that no image can ever meet, and rules that contradict themselves. Reports
 * only what is certain, so it skips a rule that several overrides may set in parts.
 */
import { type PolicyProblem, problem } from './policy-problem.ts';
import { type Layer, layersOf, type PlaceOf, type Tell } from './rule-layers.ts';
import type { PolicyFile, SomeRules } from './rules-schema.ts';
import { attestationProblems, provenanceProblems, signatureProblems } from './signer-contradictions.ts';

/** @param own Ward's own rules, which lie below those of the file */
export function contradictionsIn(
  file: PolicyFile,
  own: SomeRules,
  placeOf: PlaceOf,
): readonly PolicyProblem[] {
  const told = (path: readonly PropertyKey[], message: string, suggestion: string) =>
    problem(placeOf, path, message, suggestion);
  return layersOf(file, own).flatMap((layer) => [
    ...signatureProblems(layer, file, told),
    ...attestationProblems(layer, told),
    ...provenanceProblems(layer, told),
    ...baseProblems(layer, told),
    ...limitProblems(layer, told),
    ...advisoryProblems(layer, told),
  ]);
}

function baseProblems({ path, rules, below, others }: Layer, tell: Tell): PolicyProblem[] {
  const its = rules.bases;
  if (its === undefined || others.some(({ bases }) => bases !== undefined)) return [];
  const {
    action,
    ward,
    digests = [],
    keys = [],
    identities = [],
  } = Object.assign({}, ...below.map((each) => each.bases), its);
  if (action === 'allow' || ward === true || digests.length + keys.length + identities.length > 0) return [];
  const where = its.ward === undefined ? 'action' : 'ward';
  return [
    tell(
      [...path, 'bases', where],
      'no image can ever stand on a trusted base: the rule names none',
      'write ward: true, or name digests, keys or identities',
    ),
  ];
}

const worstFirst = ['critical', 'high', 'medium', 'low', 'none'] as const;

function limitProblems({ path, rules: { vulnerabilities = {} } }: Layer, tell: Tell): PolicyProblem[] {
  const { action, limits = {} } = vulnerabilities;
  const at = [...path, 'vulnerabilities', 'limits'];
  const written = worstFirst.filter((severity) => limits[severity] !== undefined);
  const allowed = (limit: number | 'any' | undefined) =>
    limit === 'any' ? Number.POSITIVE_INFINITY : (limit ?? 0);
  const crossed = written.flatMap((severity, index) => {
    const milder = written[index + 1];
    if (milder === undefined || allowed(limits[severity]) <= allowed(limits[milder])) return [];
    const message = `it allows more ${severity} vulnerabilities (${limits[severity]}) than ${milder} ones (${limits[milder]})`;
    return [tell([...at, severity], message, `write ${limits[milder]} or less`)];
  });
  if (action !== 'allow' || written.length === 0) return crossed;
  return [
    ...crossed,
    tell(
      at,
      'the limits have no effect, because the action beside them is allow',
      'write action: deny, or leave the limits out',
    ),
  ];
}

function advisoryProblems({ path, rules: { advisories = {} } }: Layer, tell: Tell): PolicyProblem[] {
  const { missing, stale } = advisories;
  if (missing !== 'allow' || stale === undefined || stale === 'allow') return [];
  const message = `old advisories lead to ${stale}, but missing ones are allowed`;
  return [tell([...path, 'advisories', 'missing'], message, `write missing: ${stale}`)];
}
