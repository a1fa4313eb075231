/** Checks what a policy says about signers: keys and roots are readable, and each named signer is defined. */
import { isFault, nearestName } from '../../lib/index.ts';
import { readTrustedKey } from '../trust/keys.ts';
import { readTrustedRoot } from '../trust/trusted-root.ts';
import { type PolicyProblem, problem } from './policy-problem.ts';
import type { PolicyText } from './policy-yaml.ts';
import { type PolicyFile, rulesIn, type SomeRules } from './rules-schema.ts';

type PlaceOf = PolicyText['placeOf'];

export function signerProblems(file: PolicyFile, placeOf: PlaceOf): PolicyProblem[] {
  const { keys = {}, trustedRoots = {}, identities = {} } = file;
  const wrong = [
    ...unreadable('keys', keys, readTrustedKey, placeOf),
    ...unreadable('trustedRoots', trustedRoots, (text, name) => readTrustedRoot(name, text), placeOf),
  ];
  const rootless = Object.entries(identities).flatMap(([name, { root }]) =>
    absent([root], 'trusted root', trustedRoots, ['identities', name, 'root'], placeOf, false),
  );
  const unknown = rulesIn(file).flatMap(([path, part]) =>
    listsIn(part).flatMap(([section, list, names]) => {
      const place = [...path, section, list];
      return list === 'keys'
        ? absent(names, 'key', keys, place, placeOf)
        : absent(names, 'identity', identities, place, placeOf);
    }),
  );
  return [...wrong, ...rootless, ...unknown];
}

function listsIn(rules: SomeRules): readonly (readonly [string, 'keys' | 'identities', readonly string[]])[] {
  const sections = ['bases', 'signatures', 'attestations', 'provenance'] as const;
  return sections.flatMap((section) =>
    (['keys', 'identities'] as const).map((list) => [section, list, rules[section]?.[list] ?? []] as const),
  );
}

function unreadable(
  section: string,
  texts: Readonly<Record<string, string>>,
  read: (text: string, name: string) => unknown,
  placeOf: PlaceOf,
): PolicyProblem[] {
  return Object.entries(texts).flatMap(([name, text]) => {
    try {
      read(text, name);
      return [];
    } catch (error) {
      if (!isFault(error, 'KEY_INVALID') && !isFault(error, 'TRUSTED_ROOT_INVALID')) throw error;
      return [problem(placeOf, [section, name], error.message, error.hint)];
    }
  });
}

const remedies = {
  key: 'put its public half under keys at the top of the policy',
  identity: 'put it under identities at the top of the policy',
  'trusted root': 'put the text of its trusted_root.json under trustedRoots at the top of the policy',
} as const;

function absent(
  names: readonly string[],
  noun: keyof typeof remedies,
  known: Readonly<Record<string, unknown>>,
  path: readonly PropertyKey[],
  placeOf: PlaceOf,
  isList = true,
): PolicyProblem[] {
  return names.flatMap((name, index) => {
    if (Object.hasOwn(known, name)) return [];
    const meant = nearestName(name, Object.keys(known));
    const suggestion = meant === undefined ? remedies[noun] : `did you mean ${meant}?`;
    return [problem(placeOf, isList ? [...path, index] : path, `there is no ${noun} '${name}'`, suggestion)];
  });
}
