import { expect, test } from 'vitest';
import { generateKeyPair } from '../trust/keys.ts';
import { rootOfLog } from '../trust/sigstore.fixture.ts';
import { checkPolicyText, parsePolicy } from './policy.ts';

const { publicKey } = generateKeyPair('secret');
const pem = JSON.stringify(publicKey);
const withKeys = (rest: string) => `form: 1\nkeys: { us: ${pem}, same: ${pem} }\n${rest}`;
const withSigners = (rest: string) =>
  withKeys(
    `trustedRoots: { log: ${JSON.stringify(rootOfLog())} }\nidentities: { ci: { root: log, issuer: i, subject: s } }\n${rest}`,
  );

const told = (text: string) =>
  checkPolicyText(text).map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);

test.each([
  [
    'signatures without keys',
    'form: 1\nrules:\n  signatures:\n    action: deny',
    /^4:5 rules\.signatures\.action: no signature can ever count/,
  ],
  [
    'an empty list of keys',
    withKeys('rules: { signatures: { action: warn, keys: [] } }'),
    /^3:38 rules\.signatures\.keys: no signature/,
  ],
  [
    'signatures without keys in an override',
    'form: 1\noverrides: [{ stages: [run], rules: { signatures: { action: deny } } }]',
    /overrides\.0\.rules\.signatures\.action: no signature/,
  ],
  [
    'more signatures than there are keys',
    withKeys('rules: { signatures: { action: deny, keys: [us, same], atLeast: 2 } }'),
    /rules\.signatures\.atLeast: it requires 2 signatures, but names one key/,
  ],
  [
    'more signatures than there are signers',
    withSigners('rules: { signatures: { action: deny, keys: [us], identities: [ci], atLeast: 3 } }'),
    /rules\.signatures\.atLeast: it requires 3 signatures, but names 2 different signers/,
  ],
  [
    'attestations without a type',
    withSigners('rules: { attestations: { action: deny, identities: [ci] } }'),
    /rules\.attestations\.action: it requires no attestation/,
  ],
  [
    'attestations without a signer',
    'form: 1\nrules: { attestations: { action: deny, types: [spdx] } }',
    /rules\.attestations\.action: no attestation can ever count/,
  ],
  [
    'provenance without a signer',
    'form: 1\nrules: { provenance: { action: deny, builders: ["https://example.org"] } }',
    /rules\.provenance\.action: no provenance can ever count/,
  ],
  [
    'an empty list of bases',
    'form: 1\nrules: { bases: { action: deny, ward: false } }',
    /rules\.bases\.ward: no image can ever stand/,
  ],
  [
    'a higher limit for a worse severity',
    'form: 1\nrules: { vulnerabilities: { limits: { critical: 5, medium: 2, low: any } } }',
    /limits\.critical: it allows more critical vulnerabilities \(5\) than medium ones \(2\)/,
  ],
  [
    'limits without effect',
    'form: 1\nrules: { vulnerabilities: { action: allow, limits: { critical: 0 } } }',
    /limits: the limits have no effect/,
  ],
  [
    'stale advisories that are refused while missing ones are allowed',
    'form: 1\nrules: { advisories: { missing: allow, stale: deny } }',
    /advisories\.missing: old advisories lead to deny/,
  ],
] as const)('%s is reported, but a policy in force is not refused for it', (_, text, expected) => {
  expect(told(text)).toEqual([expect.stringMatching(expected)]);
  expect(() => parsePolicy(text)).not.toThrow();
});

test.each([
  ['signatures with keys', withKeys('rules: { signatures: { action: deny, keys: [us] } }')],
  ['signatures by an identity', withSigners('rules: { signatures: { action: deny, identities: [ci] } }')],
  ['no signatures at all', 'form: 1\nrules: { signatures: { action: allow } }'],
  [
    'keys that an override names',
    withKeys(
      'rules: { signatures: { action: deny } }\noverrides: [{ stages: [run], rules: { signatures: { keys: [us] } } }]',
    ),
  ],
  [
    'keys that the rules for all name',
    withKeys(
      'rules: { signatures: { keys: [us] } }\noverrides: [{ stages: [run], rules: { signatures: { action: deny } } }]',
    ),
  ],
  ['Ward’s own bases', 'form: 1\nrules: { bases: { action: deny } }'],
  [
    'limits that fall',
    'form: 1\nrules: { vulnerabilities: { limits: { critical: 0, high: 3, medium: any } } }',
  ],
])('%s: no problem is reported', (_, text) => {
  expect(told(text)).toEqual([]);
});

test('an override for others does not hide the problem', () => {
  const text = withKeys(`overrides:
  - { namespaces: [prod], rules: { signatures: { action: deny } } }
  - { namespaces: [dev], rules: { signatures: { action: deny, keys: [us] } } }`);
  expect(told(text)).toEqual([expect.stringMatching(/^4:\d+ overrides\.0\.rules\.signatures\.action/)]);
});

test('all problems are reported, in the order of the text', () => {
  const text = `form: 1
rules:
  malwar: { action: deny }
  secrets: { action: dney }
  vulnerabilities:
    limits: { high: lots, critical: 0 }
    graceDays: { sinceFix: -1 }
overrides:
  - stages: [deploy, build]
    rules:
      signatures: { keys: release }
`;
  expect(told(text)).toEqual([
    "3:3 rules.malwar: there is no key 'malwar' here",
    '4:14 rules.secrets.action: "dney" is not one of: allow, warn, deny',
    '6:15 rules.vulnerabilities.limits.high: "lots": neither a number of findings nor any',
    '7:18 rules.vulnerabilities.graceDays.sinceFix: -1 is less than 0',
    '9:22 overrides.0.stages.1: "build" is not one of: push, deploy, run',
    '11:21 overrides.0.rules.signatures.keys: "release" is not a list',
  ]);
});

test('all problems of the YAML itself are reported with their place', () => {
  expect(told('form: 1\nrules: &r { gaps: warn }\nform: 1\noverrides: [{ rules: *r }]')).toEqual([
    "3:1 : 'form' appears twice",
    '4:22 : aliases (*name) are not allowed: write the value out',
  ]);
  expect(told('form: 1\nrules:\n\tgaps: deny')[0]).toMatch(/^3:1 : .*tab/i);
});
