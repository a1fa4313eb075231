import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { mostFindings } from '../limits.ts';
import { type Skippable, scanVectors } from '../shared-data.fixture.ts';
import {
  clean,
  compared,
  hostile,
  injection,
  judged,
  miner,
  root,
  shuffled,
  token,
  unfixed,
  unlooked,
} from './formats.fixture.ts';
import { formatReport } from './formats.ts';

const logSchema = z.object({
  version: z.literal('2.1.0'),
  runs: z.tuple([
    z.object({
      tool: z.object({
        driver: z.object({
          name: z.literal('ward'),
          rules: z.array(
            z.object({
              id: z.string(),
              helpUri: z.string().optional(),
              properties: z.object({ 'security-severity': z.string().optional(), tags: z.array(z.string()) }),
            }),
          ),
        }),
      }),
      invocations: z.tuple([
        z.object({
          executionSuccessful: z.boolean(),
          toolExecutionNotifications: z.array(
            z.object({ level: z.string(), message: z.object({ text: z.string() }) }),
          ),
        }),
      ]),
      results: z.array(
        z.object({
          ruleId: z.string(),
          ruleIndex: z.number(),
          level: z.string(),
          message: z.object({ text: z.string() }),
          locations: z
            .array(
              z.object({
                physicalLocation: z.object({
                  artifactLocation: z.object({ uri: z.string() }),
                  region: z.object({ startLine: z.number() }),
                }),
                message: z.object({ text: z.string() }).optional(),
              }),
            )
            .min(1),
          baselineState: z.enum(['new', 'unchanged']).optional(),
          partialFingerprints: z.record(z.string(), z.string()),
          suppressions: z.array(z.object({ justification: z.string() })).optional(),
          properties: z.object({ breaksPolicy: z.boolean() }),
        }),
      ),
    }),
  ]),
});

const logOf = (what: typeof judged) => logSchema.parse(JSON.parse(formatReport('sarif', what)));
const [run] = logOf(judged).runs;
const resultOf = (id: string) => run.results.find(({ ruleId }) => ruleId === id);

describe('the schema of OASIS', () => {
  function validatorFor(context: Skippable): ValidateFunction {
    const { id, $schema, ...rest } = z
      .looseObject({ id: z.string() })
      .parse(JSON.parse(readFileSync(scanVectors(context, 'schemas/sarif-schema-2.1.0.json'), 'utf8')));
    const ajv = new Ajv({ strict: false, allErrors: true });
    formats.default(ajv);
    // A schema of draft 4 names itself with `id`. All else that it uses is the same in draft 7.
    return ajv.compile({ ...rest, $id: id });
  }

  test.for([
    ['one of everything', judged],
    ['nothing', clean],
    ['what was not looked for', unlooked],
    ['what was there before', compared],
  ] as const)('accepts a report with %s, but not everything', ([, what], context) => {
    const validate = validatorFor(context);
    validate(JSON.parse(formatReport('sarif', what)));
    expect(validate.errors).toBeNull();
    expect(validate({ version: '2.1.0', runs: [{}] })).toBe(false);
  });
});

test('a rule for each id, with the score that GitHub sorts by', () => {
  const scores = Object.fromEntries(
    run.tool.driver.rules.map(({ id, properties }) => [id, properties['security-severity']]),
  );
  expect(scores).toMatchObject({
    [injection.id]: '7.2',
    [miner.id]: '9.5',
    [token.id]: '8.0',
    [root.id]: '5.5',
    'CVE-2020-8203': '5.5',
  });
  expect(scores[unfixed.id]).toBeUndefined();
  for (const result of run.results) expect(run.tool.driver.rules[result.ruleIndex]?.id).toBe(result.ruleId);
});

test('the worst comes first, with advice', () => {
  expect(run.results[0]?.ruleId).toBe(miner.id);
  expect(resultOf(injection.id)).toMatchObject({
    level: 'error',
    properties: { breaksPolicy: true },
    message: { text: expect.stringMatching(/known to be exploited.*update lodash to 4\.17\.21/) },
  });
  expect(resultOf(unfixed.id)?.message.text).toContain(
    'no version fixes it yet: the distribution has deferred the fix',
  );
  expect(resultOf(token.id)?.properties).toMatchObject({ breaksPolicy: false });
});

test('the location: file, line, and the layer with its history line', () => {
  expect(resultOf(token.id)?.locations[0]?.physicalLocation).toEqual({
    artifactLocation: { uri: 'app/.env' },
    region: { startLine: 3 },
  });
  expect(resultOf(injection.id)?.locations[0]?.message?.text).toContain('COPY . /app');
  expect(resultOf(root.id)?.locations[0]?.physicalLocation.artifactLocation.uri).toBe('oci%3A./image%3Av1');
});

test('untrusted names and titles make no links and no other URLs', () => {
  const result = resultOf(hostile.id);
  expect(result?.locations[0]?.physicalLocation.artifactLocation.uri).toBe(
    'a%20b/c%3Ad%3Fe%23f%25g/%01%EF%BF%BD%22%3C.json',
  );
  expect(result?.message.text).not.toContain('](');
  expect(run.tool.driver.rules.find(({ id }) => id === hostile.id)?.helpUri).toBeUndefined();
});

test('harmless findings are suppressed results', () => {
  expect(resultOf('CVE-2020-8203')?.suppressions?.[0]?.justification).toContain('not_in_execute_path');
  expect(run.results.filter(({ suppressions }) => suppressions !== undefined)).toHaveLength(1);
});

test('unreadable parts are reported, and the run counts as incomplete', () => {
  const [invocation] = run.invocations;
  expect(invocation.executionSuccessful).toBe(false);
  expect(invocation.toolExecutionNotifications).toHaveLength(1);
  expect(logOf(clean).runs[0].invocations[0].executionSuccessful).toBe(true);
});

test('a run without a search for vulnerabilities is no success, and says why', () => {
  const [invocation] = logOf(unlooked).runs[0].invocations;
  expect(invocation).toMatchObject({
    executionSuccessful: false,
    toolExecutionNotifications: [
      { level: 'error', message: { text: 'not judged: there are no advisories' } },
    ],
  });
  expect(logOf(unlooked).runs[0].results).toHaveLength(1);
});

test('fingerprints are unique, and do not depend on layers, lines and order', () => {
  const printsOf = (what: typeof judged) =>
    logOf(what).runs[0].results.map(({ ruleId, partialFingerprints }) => [ruleId, partialFingerprints]);
  const moved = {
    ...shuffled,
    report: {
      ...shuffled.report,
      findings: [
        ...judged.report.findings.filter((each) => each !== token),
        { ...token, line: 9, places: [{ path: 'app/.env' }] },
      ],
    },
  };
  expect(printsOf(moved)).toEqual(printsOf(judged));
  const twice = { ...judged, report: { ...judged.report, findings: [token, { ...token, line: 8 }] } };
  const prints = printsOf(twice).map(([, print]) => JSON.stringify(print));
  expect(new Set(prints).size).toBe(prints.length);
});

test('findings from before are unchanged, others are new, and without a comparison neither', () => {
  const states = (what: typeof judged) =>
    new Map(logOf(what).runs[0].results.map(({ ruleId, baselineState }) => [ruleId, baselineState]));
  const told = states(compared);
  expect([...told].filter(([, state]) => state === 'unchanged').map(([id]) => id)).toEqual([
    unfixed.id,
    token.id,
  ]);
  expect([...told.values()].filter((state) => state === undefined)).toEqual([]);
  expect([...states(judged).values()].filter((state) => state !== undefined)).toEqual([]);
});

/** Requirements and limits of GitHub's code scanning. */
const github = z.object({
  runs: z.tuple([
    z.object({
      tool: z.object({
        driver: z.object({
          rules: z
            .array(
              z.object({
                id: z.string().min(1).max(255),
                shortDescription: z.object({ text: z.string().min(1).max(1024) }),
                fullDescription: z.object({ text: z.string().min(1).max(1024) }),
                help: z.object({ text: z.string().min(1) }),
                properties: z.object({
                  tags: z.array(z.string()).max(20),
                  'security-severity': z
                    .string()
                    .regex(/^(?:\d\.\d|10\.0)$/)
                    .optional(),
                }),
              }),
            )
            .max(25_000),
        }),
      }),
      results: z
        .array(
          z.object({
            message: z.object({ text: z.string().min(1) }),
            locations: z
              .array(
                z.object({
                  physicalLocation: z.object({
                    artifactLocation: z.object({
                      // Relative, without a scheme, a query, a fragment or `..`.
                      uri: z.string().regex(/^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$))[^:?#\\\s]+$/),
                    }),
                    region: z.object({ startLine: z.int().min(1) }),
                  }),
                }),
              )
              .min(1)
              .max(1000),
            partialFingerprints: z.record(z.string(), z.string().min(1)),
          }),
        )
        .max(25_000),
    }),
  ]),
});

test.each([
  ['one of everything', judged.report],
  [
    'ids, titles and places that are too long or lead elsewhere',
    {
      ...judged.report,
      target: { ...judged.report.target, name: '/tmp/../x.tar' },
      findings: [
        root,
        { ...hostile, id: 'i'.repeat(3000), title: '\u{1f600}'.repeat(3000) },
        { ...token, places: [{ path: '/../../etc/shadow' }], line: undefined },
        { ...miner, title: '', places: [{ path: '..' }] },
        { ...injection, places: Array.from({ length: 3000 }, (_, index) => ({ path: `app/${index}` })) },
      ],
    },
  ],
])('GitHub accepts a report with %s', (_, report) => {
  const log = github.parse(JSON.parse(formatReport('sarif', { ...judged, report })));
  const [{ tool, results }] = log.runs;
  expect(tool.driver.rules.length).toBeGreaterThan(0);
  expect(results.length).toBeGreaterThanOrEqual(report.findings.length);
});

test('a scan finds no more than GitHub accepts per run', () => {
  expect(2 * mostFindings).toBeLessThan(25_000);
});
