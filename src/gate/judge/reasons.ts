/** Makes reasons of findings: the worst first, the upgrades, and a sentence. */
import { type Finding, severities, type Vulnerability } from '../../scanner/index.ts';
import { plainText } from '../plain-text.ts';
import type { Action } from '../policy/rules-schema.ts';
import type { Reason, Upgrade } from './verdict.ts';

const mostIds = 200;
const mostUpgrades = 50;
const mostNamed = 3;

/** Returns no reason when the rule allows the findings, or there are none. */
export function reasonFor(
  rule: string,
  action: Action,
  what: string,
  findings: readonly Finding[],
): readonly Reason[] {
  if (action === 'allow' || findings.length === 0) return [];
  const worst = worstFirst(findings);
  const named = worst.slice(0, mostNamed).map(inWords);
  const more = worst.length > mostNamed ? `, and ${worst.length - mostNamed} more` : '';
  const reason: Reason = {
    rule,
    outcome: action,
    text: `${what}: ${named.join(', ')}${more}`,
    findings: worst.slice(0, mostIds).map(({ id }) => plainText(id)),
    upgrades: upgradesOf(worst),
  };
  behind.set(reason, worst);
  return [reason];
}

/** Returns all findings behind a reason that `judge` returned; a stored reason has only ids. */
export function findingsBehind(reason: Reason): readonly Finding[] {
  return behind.get(reason) ?? [];
}

/** Kept beside the reasons, which are plain data for the store. */
const behind = new WeakMap<Reason, readonly Finding[]>();

/** Makes a reason without findings. */
export function plainReason(rule: string, action: Action, text: string): readonly Reason[] {
  return action === 'allow' ? [] : [{ rule, outcome: action, text, findings: [], upgrades: [] }];
}

/** Sorts exploited findings first, then by severity, score, probability and id. */
export function worstFirst<Each extends Finding>(findings: readonly Each[]): readonly Each[] {
  return findings
    .map((finding) => ({ finding, rank: rankOf(finding) }))
    .sort((a, b) => {
      const differing = a.rank.findIndex((value, index) => value !== b.rank[index]);
      if (differing >= 0) return (b.rank[differing] ?? 0) - (a.rank[differing] ?? 0);
      return a.finding.id < b.finding.id ? -1 : 1;
    })
    .map(({ finding }) => finding);
}

/** `CVE-2021-23337 in lodash 4.17.15, fixed in 4.17.21`. */
export function inWords(finding: Finding): string {
  const id = plainText(finding.id, 60);
  if (finding.class === 'vulnerability') {
    const { component, fixedIn } = finding;
    const fix = fixedIn[0] === undefined ? 'no fix is known' : `fixed in ${plainText(fixedIn[0], 40)}`;
    return `${id} in ${plainText(component.name, 60)} ${versionOf(component)} (${fix})`;
  }
  const component = finding.class === 'malware' ? finding.component : undefined;
  if (component !== undefined) return `${id}: ${plainText(component.name, 60)} ${versionOf(component)}`;
  const path = finding.places[0]?.path;
  return path === undefined ? id : `${id} at ${plainText(path, 100)}`;
}

function versionOf({ version }: { readonly version: string }): string {
  return version === '' ? 'of unknown version' : plainText(version, 40);
}

function rankOf(finding: Finding): readonly number[] {
  const severity = severities.indexOf(finding.severity);
  if (finding.class !== 'vulnerability') return [2, severity, 0, 0];
  const { knownExploited, cvss, epss } = finding;
  return [knownExploited ? 1 : 0, severity, cvss?.score ?? 0, epss ?? 0];
}

/** Returns one upgrade per component and version, with the versions that its findings name. */
function upgradesOf(findings: readonly Finding[]): readonly Upgrade[] {
  const vulnerabilities = findings.filter((each): each is Vulnerability => each.class === 'vulnerability');
  const byComponent = Map.groupBy(
    vulnerabilities.filter(({ fixedIn }) => fixedIn.length > 0),
    ({ component }) => `${component.ecosystem} ${component.name}\0${component.version}`,
  );
  return [...byComponent.values()].slice(0, mostUpgrades).flatMap(([first, ...rest]) => {
    if (first === undefined) return [];
    const to = [first, ...rest].flatMap(({ fixedIn }) => fixedIn.slice(0, 1));
    const { ecosystem, name, version } = first.component;
    return [
      {
        component: plainText(`${ecosystem} ${name}`),
        version: plainText(version),
        to: [...new Set(to)].slice(0, 10).map((each) => plainText(each)),
      },
    ];
  });
}
