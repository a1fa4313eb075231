/**
 * A policy says what may be deployed: rules for all, and overrides for some namespaces or stages. Ward merges it over its own
 * policy, `policies/gate/default.yaml`. Later rules win key by key, and ignore lists add up.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { BoundedMap, hashOf, isJsonObject, matchesPattern } from '../../lib/index.ts';
import { gateFault } from '../faults.ts';
import { parsePackageUrl } from '../package-url.ts';
import { readTrustedKey, type TrustedKey } from '../trust/keys.ts';
import { readTrustedRoot, type TrustedRoot } from '../trust/trusted-root.ts';
import { contradictionsIn } from './contradictions.ts';
import { type PolicyProblem, problem, problemLine, problemsOf } from './policy-problem.ts';
import { type PolicyText, readPolicyText } from './policy-yaml.ts';
import {
  type PolicyFile,
  policySchema,
  type Rules,
  rulesIn,
  rulesSchema,
  type SignerIdentity,
  type SomeRules,
  type Stage,
} from './rules-schema.ts';
import { signerProblems } from './signer-problems.ts';
import { type Waiver, waiverLayers } from './waivers.ts';

/** Rules, and the namespaces and stages that they are for. */
interface Layer {
  /** Patterns; undefined for all. */
  readonly namespaces?: readonly string[] | undefined;
  readonly stages?: readonly Stage[] | undefined;
  readonly rules: SomeRules;
}

export interface NamedKey extends TrustedKey {
  readonly name: string;
}

export interface NamedIdentity extends SignerIdentity {
  readonly name: string;
}

export interface Policy {
  /** Hash of its whole content: 64 hex digits. */
  readonly revision: string;
  readonly keys: readonly NamedKey[];
  readonly roots: readonly TrustedRoot[];
  readonly identities: readonly NamedIdentity[];
  /** The lowest first. */
  readonly layers: readonly Layer[];
}

const hint = 'docs/gate.md lists every key';

/**
 * @param text YAML without aliases
 * @throws Fault POLICY_INVALID that names every wrong place
 */
export function parsePolicy(text: string, waivers: readonly Waiver[] = []): Policy {
  return policyOf([ownFile(), parseFile(text)], waivers);
}

/**
 * Lists all problems of a policy in the order of the text: those that `parsePolicy` refuses, and valid rules that make no
 * sense.
 */
export function checkPolicyText(text: string): readonly PolicyProblem[] {
  const { file, problems, placeOf } = readFile(text);
  const contradictions = file === undefined ? [] : contradictionsIn(file, ownFile().rules ?? {}, placeOf);
  return [...problems, ...contradictions].toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** Returns the policy for operators who set none. */
export function defaultPolicy(waivers: readonly Waiver[] = []): Policy {
  if (waivers.length > 0) return policyOf([ownFile()], waivers);
  ownPolicy ??= policyOf([ownFile()]);
  return ownPolicy;
}
let ownPolicy: Policy | undefined;

/** Returns the rules for a namespace at a stage. Equal combinations of layers share one object. */
export function rulesFor(policy: Policy, namespace: string, stage: Stage): Rules {
  const isFor = ({ namespaces, stages }: Layer) =>
    (namespaces?.some((pattern) => matchesPattern(pattern, namespace)) ?? true) &&
    (stages?.includes(stage) ?? true);
  const which = policy.layers.map((layer) => (isFor(layer) ? '1' : '0')).join('');
  const known = rulesByPolicy.get(policy) ?? new BoundedMap<string, Rules>(keptCombinations);
  rulesByPolicy.set(policy, known);
  let rules = known.get(which);
  if (rules === undefined) {
    const layers = policy.layers.filter((_layer, index) => which[index] === '1');
    rules = rulesSchema.parse(
      layers.reduce<object>((below, { rules: above }) => mergedOver(below, above), {}),
    );
    known.set(which, rules);
  }
  return rules;
}

/** Merges layers once for each combination of them. */
const rulesByPolicy = new WeakMap<Policy, Map<string, Rules>>();
const keptCombinations = 1000;

function policyOf(files: readonly PolicyFile[], waivers: readonly Waiver[] = []): Policy {
  const ofFiles = files.flatMap((file): Layer[] => [{ rules: file.rules ?? {} }, ...(file.overrides ?? [])]);
  const layers: readonly Layer[] = [...ofFiles, ...waiverLayers(waivers)];
  const pems = new Map(files.flatMap(({ keys = {} }) => Object.entries(keys)));
  const keys = [...pems].map(([name, pem]) => ({ name, ...readTrustedKey(pem) }));
  const documents = Object.fromEntries(
    files.flatMap(({ trustedRoots = {} }) => Object.entries(trustedRoots)),
  );
  const roots = Object.entries(documents).map(([name, text]) => readTrustedRoot(name, text));
  const identities = files.flatMap((file) =>
    Object.entries(file.identities ?? {}).map(([name, identity]) => ({ name, ...identity })),
  );
  const said = { keys: Object.fromEntries(pems), trustedRoots: documents, identities, layers };
  return { revision: hashOf(z.json().parse(said)), keys, roots, identities, layers };
}

/** Returns the text of Ward's own policy. */
export function ownPolicyText(): string {
  return readFileSync(new URL('../../../policies/gate/default.yaml', import.meta.url), 'utf8');
}

function ownFile(): PolicyFile {
  own ??= parseFile(ownPolicyText());
  return own;
}
let own: PolicyFile | undefined;

function parseFile(text: string): PolicyFile {
  const { file, problems } = readFile(text);
  if (file !== undefined && problems.length === 0) return file;
  throw gateFault('POLICY_INVALID', problems.slice(0, mostNamed).map(problemLine).join('; '), { hint });
}

const mostNamed = 20;

interface ReadPolicy {
  /** Undefined when the text is not a policy. */
  readonly file: PolicyFile | undefined;
  readonly problems: readonly PolicyProblem[];
  readonly placeOf: PolicyText['placeOf'];
}

function readFile(text: string): ReadPolicy {
  const { value, problems, placeOf } = readPolicyText(text);
  if (problems.length > 0) return { file: undefined, problems, placeOf };
  const parsed = policySchema.safeParse(value);
  if (!parsed.success)
    return { file: undefined, problems: problemsOf(parsed.error.issues, value, placeOf), placeOf };
  const file = parsed.data;
  return { file, problems: [...signerProblems(file, placeOf), ...ignoreProblems(file, placeOf)], placeOf };
}

function ignoreProblems(file: PolicyFile, placeOf: PolicyText['placeOf']): PolicyProblem[] {
  return rulesIn(file).flatMap(([path, { ignore = [] }]) =>
    ignore.flatMap(({ purl }, index) => {
      if (purl === undefined || parsePackageUrl(purl) !== undefined) return [];
      const place = [...path, 'ignore', index, 'purl'];
      const suggestion = 'write it like pkg:npm/lodash or pkg:npm/lodash@4.17.15';
      return [problem(placeOf, place, 'not a package URL', suggestion)];
    }),
  );
}

/** Merges objects key by key, joins ignore lists, and replaces everything else. */
function mergedOver(below: object, above: object): object {
  const merged = new Map<string, unknown>(Object.entries(below));
  for (const [key, value] of Object.entries(above)) {
    const before = merged.get(key);
    if (value === undefined) continue;
    if (key === 'ignore' && Array.isArray(before) && Array.isArray(value))
      merged.set(key, [...before, ...value]);
    else if (isJsonObject(before) && isJsonObject(value)) merged.set(key, mergedOver(before, value));
    else merged.set(key, value);
  }
  return Object.fromEntries(merged);
}
