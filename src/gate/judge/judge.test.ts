import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { severities } from '../../scanner/index.ts';
import { parsePolicy } from '../policy/policy.ts';
import { type Action, actions } from '../policy/rules-schema.ts';
import {
  dayMs,
  diffId,
  malware,
  misconfiguration,
  noon,
  type ReportChange,
  reportOf,
  secret,
  vulnerabilities,
  vulnerability,
} from '../reports.fixture.ts';
import { generateKeyPair, readTrustedKey } from '../trust/keys.ts';
import { type Case, judge } from './judge.ts';

/** Only the rules that a test sets count. */
const lenient = `
  vulnerabilities:
    action: deny
    ignoreUnfixed: false
    limits: { critical: any, high: any, medium: any, low: any, none: any }
    unknown: { action: allow }
    epss: { action: allow }
    knownExploited: allow
  malware: { action: allow }
  secrets: { action: allow }
  misconfiguration: { action: allow }
  gaps: allow
  unscanned: allow
  distribution: { unknown: allow, notJudged: allow, endOfLife: allow }
  advisories: { missing: allow, stale: allow }
`;

function policyOf(rules: string, keys = '') {
  return parsePolicy(`form: 1\n${keys}\nrules:${lenient}overrides:\n  - rules: ${rules}\n`);
}

function caseOf(report: ReportChange = {}, change: Partial<Case> = {}): Case {
  const stage = 'push';
  return { stage, namespace: 'guest', kind: 'image', report: reportOf(report), now: noon, ...change };
}

/** Outcome and the rules that decided. */
function judged(rules: string, what: Case, keys?: string): readonly string[] {
  const { outcome, reasons } = judge(policyOf(rules, keys), what);
  return [outcome, ...reasons.map((reason) => reason.rule)];
}

const days = (count: number) => new Date(noon - count * dayMs).toISOString();

describe('limits by severity', () => {
  it.each([
    ['{ critical: 0 }', 1, ['deny', 'vulnerabilities.limits.critical']],
    ['{ critical: 1 }', 1, ['allow']],
    ['{ critical: 1 }', 2, ['deny', 'vulnerabilities.limits.critical']],
    ['{ high: 0 }', 5, ['allow']],
  ])('%s with %d critical ones: %j', (limits, count, expected) => {
    const findings = vulnerabilities('critical', count);
    expect(judged(`{ vulnerabilities: { limits: ${limits} } }`, caseOf({ findings }))).toEqual(expected);
  });

  it('say what to upgrade to', () => {
    const verdict = judge(
      policyOf('{ vulnerabilities: { limits: { high: 0 } } }'),
      caseOf({ findings: [vulnerability()] }),
    );
    expect(verdict.reasons[0]).toMatchObject({
      text: '1 high vulnerability: CVE-2021-23337 in lodash 4.17.15 (fixed in 4.17.21)',
      findings: ['CVE-2021-23337'],
      upgrades: [{ component: 'npm lodash', version: '4.17.15', to: ['4.17.21'] }],
    });
  });

  it('say so of a component without a version', () => {
    const component = { ecosystem: 'npm', name: 'lodash', version: '', purl: 'pkg:npm/lodash' } as const;
    const rules = policyOf('{ vulnerabilities: { limits: { high: 0 } } }');
    const { reasons } = judge(rules, caseOf({ findings: [vulnerability({ component, uncertain: true })] }));
    expect(reasons[0]?.text).toContain('in lodash of unknown version (fixed in');
  });

  it('an unknown severity has its own rule', () => {
    const findings = vulnerabilities('unknown', 2);
    const rules = (action: string) => `{ vulnerabilities: { unknown: { action: ${action}, limit: 1 } } }`;
    expect(judged(rules('warn'), caseOf({ findings }))).toEqual(['warn', 'vulnerabilities.unknown']);
    expect(judged(rules('deny'), caseOf({ findings }))).toEqual(['deny', 'vulnerabilities.unknown']);
  });
});

describe('a vulnerability without a fix', () => {
  const findings = [vulnerability({ fixedIn: [] })];
  it('counts unless it is ignored', () => {
    const rules = (ignore: boolean) =>
      `{ vulnerabilities: { limits: { high: 0 }, ignoreUnfixed: ${ignore} } }`;
    expect(judged(rules(false), caseOf({ findings }))[0]).toBe('deny');
    expect(judged(rules(true), caseOf({ findings }))[0]).toBe('allow');
  });

  it('is still denied when it is exploited, or probably will be', () => {
    const exploited = [vulnerability({ fixedIn: [], knownExploited: true, published: days(0) })];
    const grace = 'ignoreUnfixed: true, graceDays: { sincePublished: 30 }';
    expect(
      judged(`{ vulnerabilities: { ${grace}, knownExploited: deny } }`, caseOf({ findings: exploited })),
    ).toEqual(['deny', 'vulnerabilities.knownExploited']);
    const probable = [vulnerability({ fixedIn: [], epss: 0.5, published: days(0) })];
    const epss = (above: number) =>
      `{ vulnerabilities: { ${grace}, epss: { action: deny, above: ${above} } } }`;
    expect(judged(epss(0.5), caseOf({ findings: probable }))).toEqual(['deny', 'vulnerabilities.epss']);
    expect(judged(epss(0.51), caseOf({ findings: probable }))).toEqual(['allow']);
  });
});

describe('grace', () => {
  it.each([
    ['{ sincePublished: 7 }', { published: days(6) }, 'warn'],
    ['{ sincePublished: 7 }', { published: days(8) }, 'deny'],
    ['{ sincePublished: 7 }', { published: undefined }, 'deny'],
    ['{ sincePublished: 7 }', { published: 'nonsense' }, 'deny'],
    ['{ sinceFix: 7 }', { published: days(300), fixKnownSince: days(3) }, 'warn'],
    ['{ sinceFix: 7 }', { published: days(300) }, 'deny'],
    ['{ sinceFix: 7 }', { published: days(3) }, 'warn'],
    ['{ sinceFix: 7 }', { published: days(3), fixedIn: [] }, 'deny'],
  ])('%s of %j: %s', (grace, change, expected) => {
    const rules = `{ vulnerabilities: { limits: { high: 0 }, graceDays: ${grace} } }`;
    expect(judged(rules, caseOf({ findings: [vulnerability(change)] }))[0]).toBe(expected);
  });
});

describe('classes', () => {
  it.each([
    ['malware', malware()],
    ['secrets', secret()],
    ['misconfiguration', misconfiguration()],
  ])('%s: follows its rule, except for ids with an action of their own', (rule, finding) => {
    const what = caseOf({ findings: [finding] });
    expect(judged(`{ ${rule}: { action: deny } }`, what)).toEqual(['deny', rule]);
    expect(judged(`{ ${rule}: { action: warn } }`, what)).toEqual(['warn', rule]);
    expect(judged(`{ ${rule}: { action: deny, ids: { ${finding.id}: allow } } }`, what)).toEqual(['allow']);
    expect(judged(`{ ${rule}: { action: allow, ids: { ${finding.id}: deny } } }`, what)).toEqual([
      'deny',
      rule,
    ]);
  });

  it('an id that is a property of every object is not one of the policy', () => {
    const what = caseOf({ findings: [misconfiguration('constructor'), misconfiguration('__proto__')] });
    expect(judged('{ misconfiguration: { action: warn } }', what)).toEqual(['warn', 'misconfiguration']);
  });
});

describe('circumstances', () => {
  it.each([
    ['{ gaps: deny }', { inventory: { gaps: [{ path: 'a.jar', reason: 'cut off' }] } }, 'gaps'],
    [
      '{ distribution: { unknown: deny } }',
      { inventory: { distribution: undefined } },
      'distribution.unknown',
    ],
    [
      '{ distribution: { endOfLife: deny } }',
      {
        inventory: {
          distribution: { id: 'debian', versionId: '9', name: 'Debian 9', endOfLife: '2022-06-30' },
        },
      },
      'distribution.endOfLife',
    ],
    [
      '{ advisories: { missing: deny }, distribution: { notJudged: deny } }',
      {
        inventory: {
          distribution: { id: 'foo', versionId: '', name: 'Foo', withoutAdvisories: true, notJudged: true },
        },
      },
      'distribution.notJudged',
    ],
    ['{ advisories: { missing: deny } }', { advisories: undefined }, 'advisories.missing'],
    [
      '{ advisories: { missing: deny } }',
      { inventory: { distribution: { id: 'void', versionId: '1', name: 'Void', withoutAdvisories: true } } },
      'advisories.missing',
    ],
    [
      '{ advisories: { stale: deny, maxAgeDays: 7 } }',
      { advisories: { revision: 'r', count: 1, updatedAt: days(8) } },
      'advisories.stale',
    ],
    ['{ advisories: { stale: deny } }', { advisories: { revision: 'r', count: 1 } }, 'advisories.stale'],
  ] as const)('%s', (rules, report, rule) => {
    expect(judged(rules, caseOf(report))).toEqual(['deny', rule]);
    expect(judged(rules, caseOf())).toEqual(['allow']);
  });

  it('the age of advisories does not matter when there is nothing that they apply to', () => {
    const report = { inventory: { components: [] }, advisories: undefined };
    expect(judged('{ advisories: { missing: deny } }', caseOf(report))).toEqual(['allow']);
  });

  it('a part that could not be read is named with its path, if it has one', () => {
    const textsOf = (path: string) =>
      judge(
        policyOf('{ gaps: deny }'),
        caseOf({ inventory: { gaps: [{ path, reason: 'it is broken' }] } }),
      ).reasons.map(({ text }) => text);
    expect(textsOf('app/a.jar')).toEqual(['could not be read: app/a.jar: it is broken']);
    expect(textsOf('')).toEqual(['could not be read: it is broken']);
  });

  it('content without a report, or whose scan fails, is unscanned; content that Ward can’t judge is denied', () => {
    expect(judged('{ unscanned: deny }', caseOf({}, { report: undefined }))).toEqual(['deny', 'unscanned']);
    expect(judged('{}', caseOf({}, { report: undefined }))).toEqual(['allow']);
    expect(judged('{ unscanned: deny }', caseOf({}, { report: undefined, unread: 'odd' }))).toEqual([
      'deny',
      'unscanned',
    ]);
    expect(judged('{ unscanned: warn }', caseOf({}, { report: undefined, unread: 'odd' }))[0]).toBe('warn');
    expect(judged('{}', caseOf({}, { report: undefined, failure: 'too slow' }))).toEqual(['deny', 'scan']);
  });

  it('code has neither distribution nor base nor signature', () => {
    const rules =
      '{ distribution: { unknown: deny }, bases: { action: deny }, signatures: { action: deny } }';
    const report = { inventory: { distribution: undefined } };
    expect(judged(rules, caseOf(report, { kind: 'code' }))).toEqual(['allow']);
    expect(judged(rules, caseOf(report))).toEqual(['deny', 'distribution.unknown', 'bases', 'signatures']);
  });
});

describe('trusted bases', () => {
  const base = {
    name: 'nodejs:24',
    digest: digestOf('base'),
    diffIds: [diffId('a'), diffId('b')],
    builtByWard: true,
    signedBy: [],
  };
  const rules = '{ bases: { action: deny } }';
  it('an image stands on a base whose layers are its lowest', () => {
    expect(judged(rules, caseOf({}, { bases: [base] }))).toEqual(['allow']);
    for (const diffIds of [['b'], ['a', 'c'], ['a', 'b', 'c', 'd'], []]) {
      const other = { ...base, diffIds: diffIds.map(diffId) };
      expect(judged(rules, caseOf({}, { bases: [other] }))).toEqual(['deny', 'bases']);
    }
  });

  it('foreign bases count if the rule names them, or a key that signed them', () => {
    const { publicKey } = generateKeyPair('x');
    const { id } = readTrustedKey(publicKey);
    const keys = `keys: { us: ${JSON.stringify(publicKey)} }`;
    const foreign = { ...base, builtByWard: false };
    const parse = (more: string, ...ids: readonly string[]) => {
      const signedBy = ids.map((keyId) => ({ keyId, logEntries: 0 }));
      const policy = parsePolicy(`form: 1\n${keys}\nrules:${lenient}  bases: { action: deny, ${more} }\n`);
      return judge(policy, caseOf({}, { bases: [{ ...foreign, signedBy }] })).outcome;
    };
    expect(parse('digests: []')).toBe('deny');
    expect(parse(`digests: ["${foreign.digest}"]`)).toBe('allow');
    expect(parse('keys: [us]')).toBe('deny');
    expect(parse('keys: [us]', id)).toBe('allow');
    expect(parse('digests: []', id)).toBe('deny');
    expect(parse('keys: [us], logEntries: 1', id)).toBe('deny');
  });
});

describe('signatures', () => {
  const [one, two] = [generateKeyPair('x'), generateKeyPair('x')].map(({ publicKey }) => publicKey);
  const ids = [one, two].map((pem) => readTrustedKey(pem ?? '').id);
  const head = `form: 1\nkeys: { one: ${JSON.stringify(one)}, two: ${JSON.stringify(two)} }\nrules:${lenient}`;
  const signedBy = (...signers: readonly number[]) =>
    signers.map((index) => ({
      keyId: ids[index] ?? '',
      logEntries: 0,
      reference: 'app',
      annotations: { gate: 'passed' },
    }));
  const outcome = (rule: string, signatures: ReturnType<typeof signedBy>) =>
    judge(parsePolicy(`${head}  signatures: { action: deny, ${rule} }\n`), caseOf({}, { signatures }))
      .outcome;

  it.each([
    ['keys: [one]', [], 'deny'],
    ['keys: [one]', [0], 'allow'],
    ['keys: [one]', [1], 'deny'],
    ['keys: [one, two], atLeast: 2', [0, 0], 'deny'],
    ['keys: [one, two], atLeast: 2', [0, 1], 'allow'],
    ['keys: []', [0], 'deny'],
    ['keys: [one], annotations: { gate: passed }', [0], 'allow'],
    ['keys: [one], annotations: { gate: refused }', [0], 'deny'],
    ['keys: [one], annotations: { constructor: x }', [0], 'deny'],
  ] as const)('%s, signed by %j: %s', (rule, signers, expected) => {
    expect(outcome(rule, signedBy(...signers))).toBe(expected);
  });
});

describe('the ignore list', () => {
  const entry = (more: string) =>
    `{ vulnerabilities: { limits: { high: 0 } }, gaps: deny, ignore: [{ reason: not used, by: ada, ${more} }] }`;
  const what = caseOf({ findings: [vulnerability()] });

  it.each([
    ['id: CVE-2021-23337, expires: 2026-06-15', 'allow'],
    ['id: cve-2021-23337, expires: 2026-06-15', 'allow'],
    ['id: GHSA-35jh-r3h4-6jhm, expires: 2026-06-15', 'allow'],
    ['id: CVE-2021-23337, expires: 2026-06-14', 'deny'],
    ['id: CVE-2021-2333, expires: 2027-01-01', 'deny'],
    ['id: CVE-2021-23337, expires: 2027-01-01, purl: "pkg:npm/lodash"', 'allow'],
    ['id: CVE-2021-23337, expires: 2027-01-01, purl: "pkg:npm/lodash@4.17.15"', 'allow'],
    ['id: CVE-2021-23337, expires: 2027-01-01, purl: "pkg:npm/lodash@4.17.14"', 'deny'],
    ['id: CVE-2021-23337, expires: 2027-01-01, purl: "pkg:npm/lodash?arch=x"', 'deny'],
    ['id: CVE-2021-23337, expires: 2027-01-01, path: "app/*"', 'allow'],
    ['id: CVE-2021-23337, expires: 2027-01-01, path: "app/*/lodash"', 'deny'],
  ])('%s: %s', (more, expected) => {
    expect(judged(entry(more), what)[0]).toBe(expected);
  });

  it('a path does not hide a finding that is elsewhere, too', () => {
    const findings = [vulnerability({ places: [{ path: 'app/x' }, { path: 'opt/x' }] })];
    const more = 'id: CVE-2021-23337, expires: 2027-01-01, path: "app/*"';
    expect(judged(entry(more), caseOf({ findings }))[0]).toBe('deny');
  });

  it('lists what it let pass, and the expired entries', () => {
    const past = judge(policyOf(entry('id: CVE-2021-23337, expires: 2026-06-14')), what);
    expect(past.expired).toMatchObject([{ id: 'CVE-2021-23337', by: 'ada', expires: '2026-06-14' }]);
    const now = judge(policyOf(entry('id: CVE-2021-23337, expires: 2026-06-16')), what);
    expect([now.ignored, now.expired, now.counts.high]).toMatchObject([
      [{ reason: 'not used', where: 'pkg:npm/lodash@4.17.15' }],
      [],
      0,
    ]);
  });

  it('covers unreadable parts under the id gap, by their path', () => {
    const gaps = { inventory: { gaps: [{ path: 'opt/odd.jar', reason: 'encrypted' }] } };
    expect(judged(entry('id: gap, expires: 2027-01-01, path: "opt/*"'), caseOf(gaps))[0]).toBe('allow');
    expect(judged(entry('id: gap, expires: 2027-01-01, path: "app/*"'), caseOf(gaps))[0]).toBe('deny');
  });
});

describe('the summary', () => {
  const deny = parsePolicy('form: 1');

  it('has counts, ids, upgrades and the place of the report', () => {
    const findings = [vulnerability(), malware(), ...vulnerabilities('high', 4)];
    const { summary } = judge(deny, caseOf({ findings }, { reportAt: 'http://ward/report' }));
    expect(summary).toBe(
      'denied by policy (malware, vulnerabilities.limits.high): 1 malware, 5 high [miner-xmrig CVE-1-high-0 CVE-1-high-1 +3; ' +
        'upgrade npm lodash 4.17.15 -> 4.17.21]; report: http://ward/report',
    );
  });

  it.each<[what: string, report: Parameters<typeof caseOf>[0], summary: RegExp]>([
    [
      'there are no advisories',
      { advisories: undefined },
      /^not judged, so the rule advisories\.missing refuses it: there are no advisories.*; run ward advisories update/,
    ],
    [
      'no one publishes advisories for its distribution',
      { inventory: { distribution: { id: 'foo', versionId: '', name: 'Foo', notJudged: true } } },
      /^not judged, so the rule distribution\.notJudged refuses it: its packages could not be judged: .*; build on a release/,
    ],
    [
      'there are no advisories, and a part can’t be read',
      { advisories: undefined, inventory: { gaps: [{ path: 'opt/odd.jar', reason: 'encrypted' }] } },
      /^not judged, so the rules gaps, advisories\.missing refuse it: could not be read: opt\/odd\.jar: encrypted; there are no/,
    ],
    [
      'there are no advisories, and malware was found',
      { advisories: undefined, findings: [malware()] },
      /^not judged, so the rule advisories\.missing refuses it: .*; and denied by policy \(malware\): 1 malware \[miner-xmrig/,
    ],
  ])('says “not judged”, and “denied” only if something was found, when %s', (_what, report, summary) => {
    const strict = parsePolicy('form: 1\nrules: { advisories: { missing: deny } }');
    expect(judge(strict, caseOf(report)).summary).toMatch(summary);
  });

  it('says “not judged” of content that Ward can’t judge, or that was never scanned', () => {
    expect(judge(deny, { ...caseOf({}), report: undefined, failure: 'the disk is gone' }).summary).toMatch(
      /^not judged, so the rule scan refuses it: the disk is gone/,
    );
    expect(judge(deny, { ...caseOf({}), report: undefined }).summary).toMatch(
      /^not judged, so the rule unscanned refuses it: it was never scanned; make it readable/,
    );
  });

  it('is one line of at most 400 characters without control characters, whatever is in the image', () => {
    const text = fc.string({ unit: 'binary', maxLength: 400 });
    fc.assert(
      fc.property(text, text, text, fc.option(text), (id, name, version, reportAt) => {
        const component = { ecosystem: 'npm', name, version, purl: 'pkg:npm/x' } as const;
        const findings = [
          vulnerability({ id, component, fixedIn: [version] }),
          { ...malware(id), places: [{ path: name }] },
        ];
        const gaps = [{ path: name, reason: version }];
        const what = caseOf({ findings, inventory: { gaps } }, { reportAt: reportAt ?? undefined });
        const verdict = judge(deny, what);
        expect(verdict.summary.length).toBeLessThanOrEqual(400);
        for (const line of [verdict.summary, ...verdict.reasons.map((reason) => reason.text)]) {
          expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        }
      }),
    );
  });
});

describe('a stricter policy never allows more', () => {
  const strictness = (outcome: Action) => actions.indexOf(outcome);
  const limit = fc.option(fc.nat(3), { nil: 'any' as const });
  const action = fc.constantFrom(...actions);
  const rules = fc.record({
    action,
    critical: limit,
    high: limit,
    medium: limit,
    unknown: limit,
    epss: fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10),
    ignoreUnfixed: fc.boolean(),
    grace: fc.nat(10),
    malware: action,
    gaps: action,
  });
  type Dials = typeof rules extends fc.Arbitrary<infer Value> ? Value : never;
  const finding = fc.oneof(
    fc
      .record({
        severity: fc.constantFrom(...severities),
        fixedIn: fc.constantFrom([], ['2']),
        age: fc.nat(20),
        epss: fc.constantFrom(undefined, 0, 0.3, 1),
        knownExploited: fc.boolean(),
      })
      .map(({ age, ...change }) => vulnerability({ ...change, published: days(age) })),
    fc.constant(malware()),
  );

  const written = (dials: Dials) =>
    parsePolicy(
      JSON.stringify({
        form: 1,
        rules: {
          vulnerabilities: {
            action: dials.action,
            ignoreUnfixed: dials.ignoreUnfixed,
            limits: { critical: dials.critical, high: dials.high, medium: dials.medium },
            unknown: { action: dials.action, limit: dials.unknown },
            epss: { action: dials.action, above: dials.epss },
            graceDays: { sincePublished: dials.grace },
          },
          malware: { action: dials.malware },
          gaps: dials.gaps,
        },
      }),
    );
  const stricterAction = (a: Action, b: Action): Action => (strictness(a) > strictness(b) ? a : b);
  const lower = (a: number | 'any', b: number | 'any') =>
    a === 'any' ? b : b === 'any' ? a : Math.min(a, b);
  /** Sets each dial to the stricter of the two. */
  const stricter = (a: Dials, b: Dials): Dials => ({
    action: stricterAction(a.action, b.action),
    critical: lower(a.critical, b.critical),
    high: lower(a.high, b.high),
    medium: lower(a.medium, b.medium),
    unknown: lower(a.unknown, b.unknown),
    epss: Math.min(a.epss, b.epss),
    ignoreUnfixed: a.ignoreUnfixed && b.ignoreUnfixed,
    grace: Math.min(a.grace, b.grace),
    malware: stricterAction(a.malware, b.malware),
    gaps: stricterAction(a.gaps, b.gaps),
  });

  it('whatever is found', () => {
    fc.assert(
      fc.property(
        rules,
        rules,
        fc.array(finding, { maxLength: 8 }),
        fc.nat(2),
        (a, b, findings, gapCount) => {
          const gaps = Array.from({ length: gapCount }, () => ({ path: 'x', reason: 'y' }));
          const what = caseOf({ findings, inventory: { gaps } });
          const mild = judge(written(a), what).outcome;
          const strict = judge(written(stricter(a, b)), what).outcome;
          expect(strictness(strict)).toBeGreaterThanOrEqual(strictness(mild));
        },
      ),
    );
  });

  it('and a further finding never makes it milder', () => {
    fc.assert(
      fc.property(rules, fc.array(finding, { maxLength: 6 }), finding, (dials, findings, more) => {
        const policy = written(dials);
        const before = judge(policy, caseOf({ findings })).outcome;
        const after = judge(policy, caseOf({ findings: [...findings, more] })).outcome;
        expect(strictness(after)).toBeGreaterThanOrEqual(strictness(before));
      }),
    );
  });
});
