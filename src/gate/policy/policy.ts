/**
 * A policy says what may be deployed: rules for all, and overrides for some namespaces or stages. What it does not say
 * is as in Ward's own, `policies/gate/default.yaml`: rules are laid over one another, the later ones win key by key, and
 * their ignore lists add up.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { isFault, isJsonObject, matchesPattern } from '../../lib/index.ts';
import { hashOf } from '../canonical-json.ts';
import { gateFault } from '../faults.ts';
import { parsePackageUrl } from '../package-url.ts';
import { readTrustedKey, type TrustedKey } from '../trust/keys.ts';
import { parsePolicyYaml } from './policy-yaml.ts';
import { policySchema, type Rules, rulesSchema, type SomeRules, type Stage } from './rules-schema.ts';

/** Rules, and for what they are. */
interface Layer {
  /** Patterns; undefined: all. */
  readonly namespaces?: readonly string[] | undefined;
  readonly stages?: readonly Stage[] | undefined;
  readonly rules: SomeRules;
}

export interface NamedKey extends TrustedKey {
  readonly name: string;
}

export interface Policy {
  /** Of all that it says: 64 hex digits. */
  readonly revision: string;
  readonly keys: readonly NamedKey[];
  /** In the order in which they are laid over one another. */
  readonly layers: readonly Layer[];
}

type PolicyFile = z.infer<typeof policySchema>;

const hint = 'docs/gate.md lists every key';

/**
 * @param text YAML without aliases
 * @throws Fault POLICY_INVALID that names every wrong place
 */
export function parsePolicy(text: string): Policy {
  return policyOf([ownFile(), parseFile(text)]);
}

/** The policy of a Ward whose operator gave none. */
export function defaultPolicy(): Policy {
  ownPolicy ??= policyOf([ownFile()]);
  return ownPolicy;
}
let ownPolicy: Policy | undefined;

/** What holds for a namespace at a stage. The same answer is the same value. */
export function rulesFor(policy: Policy, namespace: string, stage: Stage): Rules {
  const isFor = ({ namespaces, stages }: Layer) =>
    (namespaces?.some((pattern) => matchesPattern(pattern, namespace)) ?? true) &&
    (stages?.includes(stage) ?? true);
  const which = policy.layers.map((layer) => (isFor(layer) ? '1' : '0')).join('');
  const known = laid.get(policy) ?? new Map<string, Rules>();
  laid.set(policy, known);
  let rules = known.get(which);
  if (rules === undefined) {
    const layers = policy.layers.filter((_layer, index) => which[index] === '1');
    rules = rulesSchema.parse(layers.reduce<object>((below, { rules: above }) => laidOver(below, above), {}));
    if (known.size >= keptCombinations) known.clear();
    known.set(which, rules);
  }
  return rules;
}

/** Layers are laid over one another once for each combination of them. */
const laid = new WeakMap<Policy, Map<string, Rules>>();
const keptCombinations = 1000;

function policyOf(files: readonly PolicyFile[]): Policy {
  const layers = files.flatMap((file): Layer[] => [{ rules: file.rules ?? {} }, ...(file.overrides ?? [])]);
  const pems = new Map(files.flatMap(({ keys = {} }) => Object.entries(keys)));
  const keys = [...pems].map(([name, pem]) => ({ name, ...readTrustedKey(pem) }));
  const revision = hashOf(z.json().parse({ keys: Object.fromEntries(pems), layers }));
  return { revision, keys, layers };
}

function ownFile(): PolicyFile {
  own ??= parseFile(readFileSync(new URL('../../../policies/gate/default.yaml', import.meta.url), 'utf8'));
  return own;
}
let own: PolicyFile | undefined;

function parseFile(text: string): PolicyFile {
  const parsed = policySchema.safeParse(parsePolicyYaml(text));
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) => `${path.join('.') || 'policy'}: ${message}`,
    );
    throw gateFault('POLICY_INVALID', problems.slice(0, 20).join('; '), { hint });
  }
  checkKeys(parsed.data);
  checkIgnores(parsed.data);
  return parsed.data;
}

/** Keys are keys, and whoever is named is there. */
function checkKeys({ keys = {}, rules = {}, overrides = [] }: PolicyFile): void {
  for (const [name, pem] of Object.entries(keys)) {
    try {
      readTrustedKey(pem);
    } catch (error) {
      if (!isFault(error, 'KEY_INVALID')) throw error;
      throw gateFault('POLICY_INVALID', `keys.${name}: ${error.message}`, { hint: error.hint ?? hint });
    }
  }
  for (const [path, part] of placesOf(rules, overrides)) {
    for (const section of ['bases', 'signatures'] as const) {
      const missing = part[section]?.keys?.find((name) => !Object.hasOwn(keys, name));
      if (missing === undefined) continue;
      throw gateFault('POLICY_INVALID', `${path}.${section}.keys: there is no key '${missing}'`, {
        hint: 'put its public half under keys at the top of the policy',
      });
    }
  }
}

function checkIgnores({ rules = {}, overrides = [] }: PolicyFile): void {
  for (const [path, { ignore = [] }] of placesOf(rules, overrides)) {
    for (const [index, { purl }] of ignore.entries()) {
      if (purl === undefined || parsePackageUrl(purl) !== undefined) continue;
      throw gateFault('POLICY_INVALID', `${path}.ignore.${index}.purl: not a package URL`, {
        hint: 'write it like pkg:npm/lodash or pkg:npm/lodash@4.17.15',
      });
    }
  }
}

function placesOf(
  rules: SomeRules,
  overrides: NonNullable<PolicyFile['overrides']>,
): readonly (readonly [path: string, rules: SomeRules])[] {
  return [
    ['rules', rules],
    ...overrides.map((each, index) => [`overrides.${index}.rules`, each.rules] as const),
  ];
}

/** Objects are merged key by key, the ignore lists are joined, all else is replaced. */
function laidOver(below: object, above: object): object {
  const merged = new Map<string, unknown>(Object.entries(below));
  for (const [key, value] of Object.entries(above)) {
    const before = merged.get(key);
    if (value === undefined) continue;
    if (key === 'ignore' && Array.isArray(before) && Array.isArray(value))
      merged.set(key, [...before, ...value]);
    else if (isJsonObject(before) && isJsonObject(value)) merged.set(key, laidOver(before, value));
    else merged.set(key, value);
  }
  return Object.fromEntries(merged);
}
