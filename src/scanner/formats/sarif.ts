/**
 * Writes SARIF 2.1.0 (OASIS) for GitHub's code scanning: a rule for each id, a result for each finding. Findings that were
 * declared harmless are suppressed results. A part that could not be read, or a search that was not possible, is a
 * notification and makes the run unsuccessful.
 */
import type { Finding, Gap, Layer, Location, Severity } from '../types.ts';
import { fingerprintsOf } from './fingerprint.ts';
import { type Before, type DecisionReason, type JudgedReport, notLookedFor } from './judged-report.ts';
import { compareText, componentOf, inOrder, rankOf } from './order.ts';
import { adviceOf, cut, scoreOf, sentenceOf, textOr, webAddress } from './words.ts';

const schema = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
/** The limit for one finding. Viewers of SARIF show few locations, but a component can have thousands. */
const mostLocations = 100;

/** Characters that GitHub accepts in the id of a rule and in its descriptions. */
const mostOfId = 255;
const mostDescribed = 1024;

/** Returns a SARIF log of the report. */
export function sarifOf(judged: JudgedReport): object {
  const { report } = judged;
  const notifications = [
    ...notLookedFor(judged).map(unlookedOf),
    ...report.inventory.gaps.map(notificationOf),
  ];
  const results = resultsOf(judged);
  const rules = rulesOf([...results.keys()]);
  const indexes = new Map(rules.map(({ id }, index) => [id, index]));
  return {
    $schema: schema,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'ward',
            version: judged.version,
            semanticVersion: judged.version,
            rules,
          },
        },
        automationDetails: { id: `ward/${report.target.name}/` },
        invocations: [
          {
            executionSuccessful: notifications.length === 0,
            endTimeUtc: report.scannedAt,
            toolExecutionNotifications: notifications,
          },
        ],
        columnKind: 'utf16CodeUnits',
        results: [...results].map(([finding, result]) => ({
          ruleId: ruleIdOf(finding),
          ruleIndex: indexes.get(ruleIdOf(finding)),
          ...result,
        })),
        properties: {
          digest: report.target.digest,
          advisories: report.advisories?.revision,
          outcome: judged.outcome,
          reasons: judged.reasons.map(({ text }) => text),
        },
      },
    ],
  };
}

function resultsOf(judged: JudgedReport): Map<Finding, object> {
  const { findings, suppressed, inventory, target } = judged.report;
  const reasons = new Map(suppressed.map(({ finding, reason }) => [finding, reason]));
  const all = [...inOrder(findings), ...inOrder([...reasons.keys()])];
  const fingerprints = fingerprintsOf(all);
  const layers = new Map(inventory.layers.map((layer) => [layer.diffId, layer]));
  return new Map(
    all.map((finding) => {
      const reason = reasons.get(finding);
      return [
        finding,
        {
          level: levels[finding.severity],
          message: { text: withoutLinks(`${sentenceOf(finding)}. To do: ${adviceOf(finding)}.`) },
          locations: locationsOf(finding, layers, target.name),
          // SARIF requires it for all results or for none.
          ...(judged.before === undefined ? {} : { baselineState: stateOf(finding, judged.before) }),
          partialFingerprints: { 'wardFinding/v1': fingerprints.get(finding) },
          ...(reason === undefined ? {} : { suppressions: [suppressionOf(reason)] }),
          properties: { breaksPolicy: judged.breaking.has(finding), ...factsOf(finding) },
        },
      ];
    }),
  );
}

function stateOf(finding: Finding, { findings }: Before): 'unchanged' | 'new' {
  return findings.has(finding) ? 'unchanged' : 'new';
}

/** Sorts rules by id. A rule that several findings share describes the worst of them. */
function rulesOf(findings: readonly Finding[]) {
  const worst = new Map<string, Finding>();
  for (const finding of findings) {
    const id = ruleIdOf(finding);
    const known = worst.get(id);
    if (known === undefined || rankOf(finding.severity) > rankOf(known.severity)) worst.set(id, finding);
  }
  return [...worst.values()].toSorted((a, b) => compareText(a.id, b.id)).map(ruleOf);
}

function ruleIdOf({ id }: Finding): string {
  return cut(id, mostOfId);
}

function ruleOf(finding: Finding) {
  const score = scoreOf(finding);
  const url = finding.class === 'vulnerability' ? webAddress(finding.url) : undefined;
  return {
    id: ruleIdOf(finding),
    shortDescription: { text: cut(textOr(finding.title, finding.id), mostDescribed) },
    fullDescription: { text: cut(withoutLinks(`${sentenceOf(finding)}.`), mostDescribed) },
    ...(url === undefined ? {} : { helpUri: url }),
    help: { text: withoutLinks(`${sentenceOf(finding)}.${url === undefined ? '' : ` More: ${url}`}`) },
    defaultConfiguration: { level: levels[finding.severity] },
    properties: {
      tags: ['security', finding.class],
      ...(score === undefined ? {} : { 'security-severity': score.toFixed(1) }),
    },
  };
}

const levels: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  unknown: 'warning',
  none: 'note',
  low: 'note',
  medium: 'warning',
  high: 'error',
  critical: 'error',
};

function locationsOf(finding: Finding, layers: ReadonlyMap<string, Layer>, target: string): object[] {
  const component = componentOf(finding);
  const line = finding.class === 'secret' ? (finding.line ?? 1) : 1;
  // Viewers hide a result without a place. A wrong configuration concerns the whole image.
  const places: readonly Location[] = finding.places.length > 0 ? finding.places : [{ path: target }];
  return places.slice(0, mostLocations).map(({ path, layer }) => ({
    physicalLocation: { artifactLocation: { uri: uriOf(path) }, region: { startLine: line } },
    ...(component === undefined
      ? {}
      : { logicalLocations: [{ fullyQualifiedName: component.purl, kind: 'package' }] }),
    ...(layer === undefined ? {} : { message: { text: layerText(layers.get(layer), layer) } }),
  }));
}

function layerText(layer: Layer | undefined, diffId: string): string {
  return withoutLinks(`layer ${diffId}${layer?.createdBy === undefined ? '' : `: ${layer.createdBy}`}`);
}

function factsOf(finding: Finding): object {
  if (finding.class === 'secret') return { redacted: finding.redacted };
  if (finding.class !== 'vulnerability') return {};
  const { aliases, fixedIn, status, severitySource, cvss, epss, knownExploited } = finding;
  return { aliases, fixedIn, status, severitySource, cvss, epss, knownExploited };
}

function notificationOf({ path, reason }: Gap): object {
  return { level: 'error', message: { text: withoutLinks(`${path} could not be read: ${reason}`) } };
}

function unlookedOf({ rule, text }: DecisionReason): object {
  return { descriptor: { id: rule }, level: 'error', message: { text: withoutLinks(`not judged: ${text}`) } };
}

function suppressionOf(reason: string): object {
  return { kind: 'external', status: 'accepted', justification: reason };
}

/**
 * Makes a relative reference (RFC 3986) from a path. No part of it can act as a scheme or a query, or lead out of the
 * scanned tree.
 */
function uriOf(path: string): string {
  const parts = path.toWellFormed().split('/');
  const named = parts.filter((part) => !['', '.', '..'].includes(part));
  return named.map(encodeURIComponent).join('/') || 'unknown';
}

/** Breaks links: `[text](address)` in a message is one (SARIF 2.1.0, section 3.11.6), and titles are untrusted. */
function withoutLinks(text: string): string {
  return text.replaceAll('](', '] (');
}
