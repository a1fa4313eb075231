import { describe, expect, it } from 'vitest';
import { isFault } from '../../lib/index.ts';
import { generateKeyPair } from '../trust/keys.ts';
import { defaultPolicy, parsePolicy, rulesFor } from './policy.ts';

function faultOf(text: string) {
  try {
    parsePolicy(text);
  } catch (error) {
    if (isFault(error, 'POLICY_INVALID')) return error;
    throw error;
  }
  throw new Error('it was taken');
}

const ignored = (more: string) =>
  `form: 1\nrules: { ignore: [{ id: CVE-1, reason: not used, by: ada, ${more} }] }`;

describe('a policy', () => {
  it('takes missing keys from Ward’s own policy', () => {
    const own = rulesFor(defaultPolicy(), 'guest', 'push');
    const policy = parsePolicy('form: 1\nrules: { vulnerabilities: { limits: { medium: 3 } } }');
    expect(rulesFor(policy, 'guest', 'push')).toEqual({
      ...own,
      vulnerabilities: { ...own.vulnerabilities, limits: { ...own.vulnerabilities.limits, medium: 3 } },
    });
  });

  it('overrides for namespaces and stages, the last one wins', () => {
    const policy = parsePolicy(`
form: 1
rules: { gaps: deny, misconfiguration: { action: warn } }
overrides:
  - { namespaces: ['dev-*', lab], rules: { gaps: warn } }
  - { stages: [run], rules: { gaps: allow } }
  - { namespaces: [dev-x], stages: [run], rules: { misconfiguration: { action: deny } } }
`);
    const gaps = (namespace: string, stage: 'push' | 'run') => rulesFor(policy, namespace, stage).gaps;
    expect([gaps('guest', 'push'), gaps('dev-1', 'push'), gaps('lab', 'push'), gaps('lab2', 'push')]).toEqual(
      ['deny', 'warn', 'warn', 'deny'],
    );
    expect(gaps('guest', 'run')).toBe('allow');
    expect(rulesFor(policy, 'dev-x', 'run').misconfiguration.action).toBe('deny');
    expect(rulesFor(policy, 'dev-y', 'run').misconfiguration.action).toBe('warn');
  });

  it('adds up the ignore lists', () => {
    const entry = (id: string) => `{ id: ${id}, reason: not used, by: ada, expires: 2027-01-01 }`;
    const policy = parsePolicy(
      `form: 1\nrules: { ignore: [${entry('A')}] }\noverrides: [{ stages: [run], rules: { ignore: [${entry('B')}] } }]`,
    );
    expect(rulesFor(policy, 'guest', 'run').ignore.map(({ id }) => id)).toEqual(['A', 'B']);
    expect(rulesFor(policy, 'guest', 'push').ignore.map(({ id }) => id)).toEqual(['A']);
  });

  it('keeps the actions of single ids that it does not name', () => {
    const policy = parsePolicy('form: 1\nrules: { malware: { ids: { packed-by-upx: allow } } }');
    expect(rulesFor(policy, 'guest', 'deploy').malware.ids).toEqual({
      'look-alike-name': 'warn',
      'packed-by-upx': 'allow',
    });
  });

  it('has a revision that depends on its meaning, not on its text', () => {
    const one = parsePolicy('form: 1\nrules: { gaps: warn, unscanned: deny }');
    expect(parsePolicy('# words\nform: 1\nrules:\n  unscanned: deny\n  gaps: warn\n').revision).toBe(
      one.revision,
    );
    expect(parsePolicy('form: 1\nrules: { gaps: deny, unscanned: deny }').revision).not.toBe(one.revision);
  });

  it.each([
    ['form: 1\nrule: {}', /rule: there is no key 'rule' here; did you mean rules\? \(line 2, column 1\)/],
    [
      'form: 1\nrules: { malwar: {} }',
      /rules\.malwar: there is no key 'malwar' here; did you mean malware\?/,
    ],
    [
      'form: 1\noverrides: [{ rules: { epss: 1 } }]',
      /overrides\.0\.rules\.epss: .*it belongs to rules\.vulnerabilities/,
    ],
    ['form: 2', /form:/],
    ['{}', /form:/],
    [
      'form: 1\nrules: { vulnerabilities: { limits: { high: many } } }',
      /limits\.high: "many": neither a number/,
    ],
    ['form: 1\nrules: { vulnerabilities: { limits: { high: -1 } } }', /limits\.high/],
    ['form: 1\nrules: { vulnerabilities: { epss: { above: 2 } } }', /epss\.above/],
    [
      'form: 1\nrules: { malware: { action: maybe } }',
      /rules\.malware\.action: "maybe" is not one of: allow, warn, deny/,
    ],
    ['form: 1\nrules: { malware: { action: dney } }', /did you mean deny\? \(line 2, column 21\)/],
    ['form: 1\nrules: { vulnerabilities: { ignoreUnfixed: yes } }', /"yes" is not true or false/],
    ['form: 1\noverrides: [{ namespaces: [], rules: {} }]', /namespaces: the list is empty/],
    ['form: 1\noverrides: [{ stages: [build], rules: {} }]', /stages/],
    [ignored('expires: soon'), /ignore\.0\.expires: "soon": an entry needs the last day/],
    [ignored('purl: "pkg:npm/x"'), /ignore\.0\.expires: it is missing; an entry needs the last day/],
    [ignored('expires: 2027-01-01, purl: lodash'), /ignore\.0\.purl: not a package URL/],
    ['form: 1\nrules: { ignore: [{ id: CVE-1, expires: 2027-01-01, by: ada }] }', /ignore\.0\.reason/],
    ['form: 1\nkeys: { us: nonsense }', /keys\.us: this is not a key.*line 2, column 9/],
    ['form: 1\nrules: { signatures: { keys: [us] } }', /signatures\.keys\.0: there is no key 'us'/],
    ['form: 1\nrules: { provenance: { identities: [ci] } }', /identities\.0: there is no identity 'ci'/],
    [
      'form: 1\nrules: { attestations: { types: [spx] } }',
      /types\.0.*neither a URI nor one of spdx, cyclonedx/,
    ],
    [
      'form: 1\ntrustedRoots: { public: nonsense }',
      /trustedRoots\.public: this is not a trusted root: it is not JSON/,
    ],
    [
      `form: 1\nidentities: { ci: { root: public, issuer: i, subject: s } }`,
      /ci\.root: there is no trusted root/,
    ],
    [
      `form: 1\nidentities: { ci: { root: x, issuer: i, subject: "**" } }`,
      /subject: .*every subject of the issuer/,
    ],
    ['form: 1\noverrides: [{ rules: { bases: { keys: [us] } } }]', /overrides\.0\.rules\.bases\.keys/],
    ['form: 1\nrules: { bases: { digests: [sha256:x] } }', /bases\.digests\.0/],
    ['form: 1\nform: 1', /'form' appears twice/],
    ['form: 1\nrules: &r { gaps: warn }\noverrides: [{ rules: *r }]', /aliases/],
    ['form: 1\n__proto__: {}', /__proto__/],
    ['form: 1\nrules: !!js/function x', /tag/i],
    ['form: [', /policy:/],
    ['', /policy: it is no map|policy: null is not a map of keys/],
    [`form: ${'['.repeat(100_000)}`, /policy:/],
    [`form: 1 # ${'x'.repeat(300_000)}`, /more than 262144 bytes/],
  ] as const)('is refused with the place and a hint (case %#)', (text, expected) => {
    const fault = faultOf(text);
    expect(fault.message).toMatch(expected);
    expect(fault.hint).toBeDefined();
  });

  it('does not take a private key', () => {
    const { privateKey } = generateKeyPair('secret');
    expect(faultOf(`form: 1\nkeys: { us: ${JSON.stringify(privateKey)} }`).message).toMatch(/keys\.us/);
  });
});
