/**
 * Finds rules that can be read and make no sense: those that no image can ever meet, and those that contradict
 * themselves. Names only what is certain: not where overrides that may apply together set different parts of a rule.
 */
import { readTrustedKey } from '../trust/keys.ts';
import { type Place, type PolicyProblem, problem } from './policy-problem.ts';
import { type PolicyFile, rulesIn, type SomeRules } from './rules-schema.ts';

type Override = NonNullable<PolicyFile['overrides']>[number];
type PlaceOf = (path: readonly PropertyKey[]) => Place;

/** Rules of the file, with what may be laid over or below them. */
interface Layer {
  readonly path: readonly PropertyKey[];
  readonly rules: SomeRules;
  readonly below: readonly SomeRules[];
  /** Overrides that may hold together with it. */
  readonly others: readonly SomeRules[];
}

/** @param own Ward's own rules for all, which lie below those of the file */
export function contradictionsIn(
  file: PolicyFile,
  own: SomeRules,
  placeOf: PlaceOf,
): readonly PolicyProblem[] {
  const told = (path: readonly PropertyKey[], message: string, suggestion: string) =>
    problem(placeOf, path, message, suggestion);
  return layersOf(file, own).flatMap((layer) => [
    ...signatureProblems(layer, file, told),
    ...baseProblems(layer, told),
    ...limitProblems(layer, told),
    ...advisoryProblems(layer, told),
  ]);
}

type Tell = (path: readonly PropertyKey[], message: string, suggestion: string) => PolicyProblem;

function layersOf(file: PolicyFile, own: SomeRules): readonly Layer[] {
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

/** False only where no namespace or no stage is in both. */
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

function signatureProblems(
  { path, rules, below, others }: Layer,
  file: PolicyFile,
  tell: Tell,
): PolicyProblem[] {
  const its = rules.signatures;
  if (its === undefined) return [];
  if (others.some(({ signatures }) => signatures?.keys !== undefined || signatures?.atLeast !== undefined))
    return [];
  const { action, keys = [], atLeast = 1 } = Object.assign({}, ...below.map((each) => each.signatures), its);
  if (action === 'allow') return [];
  const at = [...path, 'signatures'];
  if (keys.length === 0) {
    const where = its.keys === undefined ? [...at, 'action'] : [...at, 'keys'];
    return [
      tell(
        where,
        'no image can ever be signed as it wants: it names no keys',
        'add keys: [NAME], of those at the top of the policy',
      ),
    ];
  }
  const ids = new Set(namedKeys(keys, file));
  if (ids.size >= atLeast) return [];
  return [
    tell(
      [...at, its.atLeast === undefined ? 'keys' : 'atLeast'],
      `it needs ${atLeast} signatures, and names ${ids.size === 1 ? 'one key' : `${ids.size} different keys`}`,
      `name more keys, or write atLeast: ${ids.size}`,
    ),
  ];
}

/** Two names of one key are one signer. */
function namedKeys(names: readonly string[], { keys = {} }: PolicyFile): readonly string[] {
  return names.flatMap((name) => {
    const pem = keys[name];
    return pem === undefined ? [] : [readTrustedKey(pem).id];
  });
}

function baseProblems({ path, rules, below, others }: Layer, tell: Tell): PolicyProblem[] {
  const its = rules.bases;
  if (its === undefined || others.some(({ bases }) => bases !== undefined)) return [];
  const {
    action,
    ward,
    digests = [],
    keys = [],
  } = Object.assign({}, ...below.map((each) => each.bases), its);
  if (action === 'allow' || ward === true || digests.length > 0 || keys.length > 0) return [];
  const where = its.ward === undefined ? 'action' : 'ward';
  return [
    tell(
      [...path, 'bases', where],
      'no image can ever stand on a trusted base: none is named',
      'write ward: true, or name digests or keys',
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
    const message = `it allows more of ${severity} (${limits[severity]}) than of ${milder} (${limits[milder]})`;
    return [tell([...at, severity], message, `write ${limits[milder]} or less`)];
  });
  if (action !== 'allow' || written.length === 0) return crossed;
  return [
    ...crossed,
    tell(
      at,
      'the limits never count: the action beside them is allow',
      'write action: deny, or leave the limits out',
    ),
  ];
}

function advisoryProblems({ path, rules: { advisories = {} } }: Layer, tell: Tell): PolicyProblem[] {
  const { missing, stale } = advisories;
  if (missing !== 'allow' || stale === undefined || stale === 'allow') return [];
  const message = `old advisories lead to ${stale}, where having none is allowed`;
  return [tell([...path, 'advisories', 'missing'], message, `write missing: ${stale}`)];
}
