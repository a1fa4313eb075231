/**
 * Writes JUnit XML for CI systems: a suite for each class, a test for each finding. A test fails if its finding breaks the
 * policy; it is skipped if the finding was declared harmless or was there before; otherwise it passes. A search that was
 * not possible is an error. So the run matches the exit code. Elements and attributes are those of the schema that Jenkins
 * uses: jenkinsci/xunit-plugin, junit-10.xsd.
 */
import type { Finding, Gap } from '../types.ts';
import { type DecisionReason, type JudgedReport, notLookedFor } from './judged-report.ts';
import { inOrder } from './order.ts';
import { adviceOf, cut, sentenceOf, subjectOf, webAddress } from './words.ts';
import { type XmlElement, xmlDocument } from './xml.ts';

/** Returns the whole document. */
export function junitOf(judged: JudgedReport): string {
  const { report } = judged;
  const suites = [
    policySuite(judged),
    ...classes.map(([name, kind]) => findingSuite(judged, name, kind)),
    gapSuite(judged),
  ].filter((suite) => suite.tests.length > 0);
  // The schema counts skipped tests only in suites.
  const { skipped: _, ...counts } = countsOf(suites.flatMap(({ tests }) => tests));
  return xmlDocument({
    name: 'testsuites',
    attributes: { name: `ward ${report.target.name}`, ...counts },
    children: suites.map((suite) => suiteElement(suite, judged)),
  });
}

interface Suite {
  readonly name: string;
  readonly tests: readonly Test[];
}

interface Test {
  readonly name: string;
  readonly result: 'passed' | 'failure' | 'error' | 'skipped';
  /** A single line. */
  readonly message: string;
  readonly text?: string;
}

const classes = [
  ['malware', 'malware'],
  ['vulnerabilities', 'vulnerability'],
  ['secrets', 'secret'],
  ['misconfiguration', 'misconfiguration'],
] as const;

/** Never empty, because some systems take a report without tests as a mistake. */
function policySuite(judged: JudgedReport): Suite {
  const { reasons, outcome } = judged;
  const unlooked = notLookedFor(judged);
  const verdict: Test =
    unlooked.length > 0
      ? { name: 'verdict', result: 'error', message: 'not judged' }
      : { name: 'verdict', result: outcome === 'deny' ? 'failure' : 'passed', message: outcome };
  return { name: 'policy', tests: [verdict, ...reasons.map((reason) => reasonTest(reason, unlooked))] };
}

function reasonTest(reason: DecisionReason, unlooked: readonly DecisionReason[]): Test {
  const denied = unlooked.includes(reason) ? 'error' : 'failure';
  const { outcome, rule, text } = reason;
  return { name: rule, result: outcome === 'deny' ? denied : 'passed', message: text };
}

function findingSuite(
  { report, breaking, before }: JudgedReport,
  name: string,
  kind: Finding['class'],
): Suite {
  const suppressed = new Map(report.suppressed.map(({ finding, reason }) => [finding, reason]));
  const open = inOrder(report.findings.filter((finding) => finding.class === kind));
  const harmless = inOrder([...suppressed.keys()].filter((finding) => finding.class === kind));
  const tests = [
    ...open.map((finding) =>
      before?.findings.has(finding)
        ? { ...findingTest(finding, 'skipped'), message: `it was there before: ${before.name} has it too` }
        : findingTest(finding, breaking.has(finding) ? 'failure' : 'passed'),
    ),
    ...harmless.map((finding) => ({
      ...findingTest(finding, 'skipped'),
      message: suppressed.get(finding) ?? '',
    })),
  ];
  return { name, tests };
}

function findingTest(finding: Finding, result: Test['result']): Test {
  const url = finding.class === 'vulnerability' ? webAddress(finding.url) : undefined;
  const lines = [
    `to do: ${adviceOf(finding)}`,
    ...finding.places.map(({ path, layer }) => `at: ${path}${layer === undefined ? '' : ` (${layer})`}`),
    ...(url === undefined ? [] : [`more: ${url}`]),
  ];
  return {
    name: `${finding.id} ${subjectOf(finding)} (${finding.severity})`,
    result,
    message: sentenceOf(finding),
    text: lines.slice(0, mostLines).join('\n'),
  };
}

const mostLines = 50;
/** Code units of a name or a message, and of a text. A report has up to 20,000 tests, and CI systems keep all of it. */
const mostOfLine = 1000;
const mostOfText = 5000;

function gapSuite({ report }: JudgedReport): Suite {
  return { name: 'not read', tests: report.inventory.gaps.map(gapTest) };
}

function gapTest({ path, reason }: Gap): Test {
  return { name: path, result: 'error', message: `could not be read: ${reason}` };
}

function suiteElement({ name, tests }: Suite, { report, version }: JudgedReport): XmlElement {
  const properties = Object.entries({
    target: report.target.name,
    digest: report.target.digest ?? '',
    advisories: report.advisories?.revision ?? 'none',
    ward: version,
  });
  return {
    name: 'testsuite',
    attributes: { name, ...countsOf(tests), time: 0, timestamp: report.scannedAt.slice(0, 19) },
    children: [
      {
        name: 'properties',
        attributes: {},
        children: properties.map(([key, value]) => ({
          name: 'property',
          attributes: { name: key, value },
        })),
      },
      ...tests.map((test) => testElement(test, name, report.target.name)),
    ],
  };
}

function testElement(test: Test, suite: string, target: string): XmlElement {
  const { result, text } = test;
  const message = cut(test.message, mostOfLine);
  const attributes = { classname: `${target}.${suite}`, name: cut(test.name, mostOfLine), time: 0 };
  const told = cut(text === undefined ? message : `${message}\n${text}`, mostOfText);
  const child: XmlElement =
    result === 'passed'
      ? { name: 'system-out', attributes: {}, text: told }
      : result === 'skipped'
        ? { name: 'skipped', attributes: { message } }
        : { name: result, attributes: { message, type: suite }, text: told };
  return { name: 'testcase', attributes, children: [child] };
}

function countsOf(tests: readonly Test[]) {
  const count = (result: Test['result']) => tests.filter((test) => test.result === result).length;
  return {
    tests: tests.length,
    failures: count('failure'),
    errors: count('error'),
    skipped: count('skipped'),
  };
}
