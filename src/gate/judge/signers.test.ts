/** The rules on signatures, attestations and provenance, with given facts; `trust/bundle.test.ts` tests how they arise. */
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../policy/policy.ts';
import { noon, reportOf } from '../reports.fixture.ts';
import { predicateTypes } from '../trust/attestations.ts';
import { generateKeyPair, readTrustedKey } from '../trust/keys.ts';
import { provenanceOf } from '../trust/provenance.ts';
import type { Signer } from '../trust/signer.ts';
import { issuer, rootOfLog, subject } from '../trust/sigstore.fixture.ts';
import { type Case, judge } from './judge.ts';

const { publicKey } = generateKeyPair('x');
const key: Signer = { keyId: readTrustedKey(publicKey).id, logEntries: 0 };
const ci: Signer = { certified: { roots: ['public'], issuer, subject }, logEntries: 1 };
const as = (change: Partial<NonNullable<Signer['certified']>>): Signer => ({
  certified: { roots: ['public'], issuer, subject, ...change },
  logEntries: 1,
});

const root = JSON.stringify(rootOfLog());
const head = `form: 1
keys: { release: ${JSON.stringify(publicKey)} }
trustedRoots: { public: ${root}, private: ${root} }
identities:
  ci: { root: public, issuer: ${issuer}, subject: "https://github.com/acme/app/*@refs/heads/main" }
  main: { root: public, issuer: ${issuer}, subject: "https://github.com/acme/*" }
`;

function verdictOf(rules: string, change: Partial<Case>) {
  const what = { stage: 'deploy', namespace: 'guest', kind: 'image', now: noon } as const;
  const report = reportOf({});
  return judge(parsePolicy(`${head}rules: { ${rules} }`), {
    ...what,
    report,
    signatures: [],
    attestations: [],
    bases: [],
    ...change,
  });
}

/** The texts of a rule's reasons. */
function told(rule: string, rules: string, change: Partial<Case>): readonly string[] {
  return verdictOf(rules, change).reasons.flatMap((reason) => (reason.rule === rule ? [reason.text] : []));
}

describe('signatures', () => {
  const signed = (...signers: readonly Signer[]) => ({
    signatures: signers.map((signer) => ({ ...signer, reference: 'app', annotations: {} })),
  });
  const why = (rule: string, ...signers: readonly Signer[]) =>
    told('signatures', `signatures: { action: deny, ${rule} }`, signed(...signers))[0];

  it.each<readonly [string, readonly Signer[]]>([
    ['identities: [ci]', [ci]],
    ['identities: [ci], logEntries: 1', [ci]],
    ['keys: [release], identities: [ci]', [key]],
    ['keys: [release], identities: [ci], atLeast: 2', [key, ci]],
  ])('%s counts', (rule, signers) => {
    expect(why(rule, ...signers)).toBeUndefined();
  });

  it.each<readonly [string, readonly Signer[], string]>([
    ['identities: [ci]', [], 'found: none'],
    ['identities: [ci]', [key], 'found: one by release, which the rule does not name'],
    [
      'identities: [ci]',
      [as({ issuer: `${issuer}.evil.example` })],
      `one by ${subject} (${issuer}.evil.example)`,
    ],
    ['identities: [ci]', [as({ subject: `${subject}x` })], 'one by main'],
    [
      'identities: [ci]',
      [as({ subject: `https://evil.example/?${subject}` })],
      'one by https://evil.example/',
    ],
    ['identities: [ci]', [as({ roots: ['private'] })], `one by ${subject}`],
    [
      'keys: [release], logEntries: 1',
      [key],
      'one by release with 0 of 1 required entries in transparency logs',
    ],
    // An identity is one signer, however many certificates it had.
    ['identities: [main, ci], atLeast: 2', [ci, ci], '1 of 2 required signatures'],
    [
      'identities: [main], atLeast: 2',
      [ci, as({ subject: 'https://github.com/acme/x' })],
      '1 of 2 required signatures',
    ],
  ])('%s by %j: %s', (rule, signers, text) => {
    expect(why(rule, ...signers)).toContain(text);
  });

  it('a missing signature is reported with its rule and what to do', () => {
    expect(why('keys: [release], identities: [ci]', as({ subject: 'mallory@example.org' }))).toBe(
      `0 of 1 required signatures (keys: release; identities: ci); found: one by mallory@example.org (${issuer}), which the rule does not name; sign it as one of them: ward image sign, cosign sign`,
    );
  });

  it('audit denies nothing', () => {
    const rules =
      'signatures: { action: warn, keys: [release] }, attestations: { action: warn, types: [spdx], keys: [release] }, provenance: { action: warn, keys: [release] }';
    const { outcome, reasons } = verdictOf(rules, {});
    expect(outcome).toBe('warn');
    expect(reasons.map(({ rule }) => rule)).toEqual(
      expect.arrayContaining(['signatures', 'attestations', 'provenance']),
    );
  });

  it('the verdict names signers from the policy, and no others', () => {
    const attestations = [
      { ...ci, predicateType: 'https://spdx.dev/Document/v2.3' },
      { ...as({ subject: 'mallory@example.org' }), predicateType: 'https://spdx.dev/Document' },
    ];
    const both = signed(key, ci, as({ subject: 'mallory@example.org' }));
    expect(verdictOf('gaps: deny', { ...both, attestations }).vouchers).toEqual({
      signedBy: [`ci (${subject})`, 'release'],
      attested: [`spdx by ci (${subject})`],
    });
    expect(verdictOf('gaps: deny', {})).not.toHaveProperty('vouchers');
  });
});

describe('attestations', () => {
  const why = (rule: string, ...types: readonly (readonly [Signer, string])[]) =>
    told('attestations', `attestations: { action: deny, ${rule} }`, {
      attestations: types.map(([signer, predicateType]) => ({ ...signer, predicateType })),
    })[0];

  it.each([
    ['types: [spdx], keys: [release]', 'https://spdx.dev/Document'],
    ['types: [spdx], keys: [release]', 'https://spdx.dev/Document/v2.3'],
    ['types: [cyclonedx], keys: [release]', 'https://cyclonedx.org/bom'],
    ['types: [vuln], keys: [release]', 'https://cosign.sigstore.dev/attestation/vuln/v1'],
    ['types: ["https://example.org/review/*"], keys: [release]', 'https://example.org/review/v1'],
    ['types: [slsaprovenance], keys: [release]', 'https://slsa.dev/provenance/v0.2'],
  ])('%s: %s is enough', (rule, type) => {
    expect(why(rule, [key, type])).toBeUndefined();
    expect(why(rule, [ci, type])).toContain('found: ');
    expect(why(rule, [key, `${type}.evil`.replace(/^https/, 'http')])).toContain('no attestation');
  });

  it('all types are required', () => {
    const text = why('types: [spdx, vuln, "https://example.org/x"], keys: [release], identities: [ci]', [
      ci,
      'https://spdx.dev/Document',
    ]);
    expect(text).toBe(
      `no attestation of type vuln, https://example.org/x counts (keys: release; identities: ci); found: spdx by ci (${subject}); attest it: cosign attest --type TYPE`,
    );
  });
});

describe('provenance', () => {
  const v1 = (builder: string, externalParameters: object) => ({
    buildDefinition: { buildType: 'https://actions.github.io/buildtypes/workflow/v1', externalParameters },
    runDetails: { builder: { id: builder } },
  });
  const v02 = (builder: string, uri: string) => ({
    builder: { id: builder },
    invocation: { configSource: { uri } },
    materials: [{ uri: 'git+https://github.com/acme/app' }],
  });
  const builder = 'https://github.com/actions/runner/github-hosted';
  const workflow = { ref: 'refs/heads/main', repository: 'https://github.com/acme/app', path: 'x.yml' };
  const rule = `builders: ["${builder}"], sources: ["https://github.com/acme/*"], refs: [refs/heads/main], identities: [ci]`;
  const why = (rules: string, predicate: object, type: string, signer = ci) => {
    const provenance = provenanceOf(type, JSON.parse(JSON.stringify(predicate)));
    return told('provenance', `provenance: { action: deny, ${rules} }`, {
      attestations: [{ ...signer, predicateType: type, provenance }],
    })[0];
  };
  const one = predicateTypes.provenance;
  const zero = 'https://slsa.dev/provenance/v0.2';

  it.each([
    ['v1 of GitHub', one, v1(builder, { workflow })],
    ['v1 with a source', one, v1(builder, { source: 'git+https://github.com/acme/app.git@refs/heads/main' })],
    [
      'v1 with the URI of a source',
      one,
      v1(builder, { source: { uri: 'git+https://github.com/acme/app@refs/heads/main' } }),
    ],
    ['v0.2', zero, v02(builder, 'git+https://github.com/acme/app@refs/heads/main')],
  ])('%s counts', (_title, type, predicate) => {
    expect(why(rule, predicate, type)).toBeUndefined();
  });

  it.each([
    [
      'a builder that is not named',
      one,
      v1('https://evil.example', { workflow }),
      'the builder https://evil.example, which is not among the rule’s builders',
    ],
    [
      'a source that is not named',
      one,
      v1(builder, { workflow: { ...workflow, repository: 'https://github.com/evil/app' } }),
      'the source https://github.com/evil/app, which is not among the rule’s sources',
    ],
    [
      'a source with `..` in its path',
      one,
      v1(builder, { workflow: { ...workflow, repository: 'https://github.com/acme/../evil/app' } }),
      'the source https://github.com/evil/app',
    ],
    [
      'another host',
      one,
      v1(builder, { source: 'git+https://github.com@evil.example/acme/app@refs/heads/main' }),
      'the source https://github.com@evil.example/acme/app',
    ],
    [
      'a second source that is another',
      one,
      v1(builder, { workflow, source: 'https://github.com/evil/app' }),
      'the source https://github.com/evil/app',
    ],
    [
      'another ref',
      zero,
      v02(builder, 'git+https://github.com/acme/app@refs/heads/dev'),
      'the ref refs/heads/dev, which is not among the rule’s refs',
    ],
    ['no ref', zero, v02(builder, 'git+https://github.com/acme/app'), 'the ref that is missing'],
    [
      'only a dependency of that source',
      one,
      { ...v1(builder, {}), resolvedDependencies: [{ uri: workflow.repository }] },
      'one that names no source repository',
    ],
    ['of an unknown form', one, { runDetails: 1 }, 'one that can’t be read'],
    [
      'of a later version',
      'https://slsa.dev/provenance/v9',
      v1(builder, { workflow }),
      'one that can’t be read',
    ],
  ])('%s does not', (_title, type, predicate, text) => {
    expect(why(rule, predicate, type)).toContain(text);
  });

  it('counts only from signers that the rule names', () => {
    expect(why(rule, v1(builder, { workflow }), one, key)).toContain(
      'one by release, which the rule does not name',
    );
    expect(told('provenance', `provenance: { action: deny, ${rule} }`, {})[0]).toContain('found: none');
  });
});
