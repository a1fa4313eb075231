/** Finds rules about signers that no image can ever meet. */
import { readTrustedKey } from '../trust/keys.ts';
import type { PolicyProblem } from './policy-problem.ts';
import type { Layer, Tell } from './rule-layers.ts';
import type { PolicyFile, SomeRules } from './rules-schema.ts';

type Section = 'signatures' | 'attestations' | 'provenance';
type Part<Name extends Section> = NonNullable<SomeRules[Name]>;

export function signatureProblems(layer: Layer, file: PolicyFile, tell: Tell): PolicyProblem[] {
  const rule = inForce('signatures', layer, ['keys', 'identities', 'atLeast']);
  if (rule === undefined) return [];
  const { its, all } = rule;
  const { keys = [], identities = [], atLeast = 1 } = all;
  const unnamed = noSigner('signatures', layer, rule, 'no signature can ever count', tell);
  if (unnamed.length > 0) return unnamed;
  const signers = new Set(namedKeys(keys, file)).size + new Set(identities).size;
  if (signers >= atLeast) return [];
  const where = its.atLeast === undefined ? (its.keys === undefined ? 'identities' : 'keys') : 'atLeast';
  const noun = identities.length === 0 ? 'key' : 'signer';
  const named = signers === 1 ? `one ${noun}` : `${signers} different ${noun}s`;
  return [
    tell(
      [...layer.path, 'signatures', where],
      `it requires ${atLeast} signatures, but names ${named}`,
      `name more ${noun}s, or write atLeast: ${signers}`,
    ),
  ];
}

export function attestationProblems(layer: Layer, tell: Tell): PolicyProblem[] {
  const rule = inForce('attestations', layer, ['keys', 'identities', 'types']);
  if (rule === undefined) return [];
  const { its, all } = rule;
  if ((all.types ?? []).length === 0) {
    const where = [...layer.path, 'attestations', its.types === undefined ? 'action' : 'types'];
    return [tell(where, 'it requires no attestation', 'add types: [spdx], or others')];
  }
  return noSigner('attestations', layer, rule, 'no attestation can ever count', tell);
}

export function provenanceProblems(layer: Layer, tell: Tell): PolicyProblem[] {
  const rule = inForce('provenance', layer, ['keys', 'identities']);
  return rule === undefined ? [] : noSigner('provenance', layer, rule, 'no provenance can ever count', tell);
}

interface RuleInForce<Name extends Section> {
  readonly its: Part<Name>;
  readonly all: Part<Name>;
}

/** Returns the merged rule where the layer sets a part of it; undefined if it is uncertain or has no effect. */
function inForce<Name extends Section>(
  section: Name,
  { rules, below, others }: Layer,
  decisive: readonly string[],
): RuleInForce<Name> | undefined {
  const its: Part<Name> | undefined = rules[section];
  if (its === undefined) return undefined;
  const isSetBy = (other: SomeRules) =>
    Object.keys(other[section] ?? {}).some((key) => decisive.includes(key));
  if (others.some(isSetBy)) return undefined;
  const all: Part<Name> = Object.assign({}, ...below.map((each) => each[section]), its);
  return all.action === 'allow' ? undefined : { its, all };
}

function noSigner<Name extends Section>(
  section: Name,
  { path }: Layer,
  { its, all }: RuleInForce<Name>,
  message: string,
  tell: Tell,
): PolicyProblem[] {
  const { keys = [], identities = [] } = all;
  if (keys.length + identities.length > 0) return [];
  const where = its.keys === undefined ? 'action' : 'keys';
  return [
    tell(
      [...path, section, where],
      `${message}: it names no keys`,
      'add keys: [NAME] or identities: [NAME], with names from the top of the policy',
    ),
  ];
}

/** Counts two names of one key as one signer. */
function namedKeys(names: readonly string[], { keys = {} }: PolicyFile): readonly string[] {
  return names.flatMap((name) => {
    const pem = keys[name];
    return pem === undefined ? [] : [readTrustedKey(pem).id];
  });
}
