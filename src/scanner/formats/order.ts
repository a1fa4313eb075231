/** The common order of findings in all outputs: worst first, and stable. */
import { type Finding, type Severity, severities } from '../types.ts';

const classes: readonly Finding['class'][] = ['malware', 'vulnerability', 'secret', 'misconfiguration'];

/** Sorts by class, severity, known exploitation, component, id and place. */
export function inOrder<Item extends Finding>(findings: readonly Item[]): Item[] {
  return findings.toSorted(compareFindings);
}

/** Negative when `a` comes before `b`. */
export function compareFindings(a: Finding, b: Finding): number {
  return (
    classes.indexOf(a.class) - classes.indexOf(b.class) ||
    rankOf(b.severity) - rankOf(a.severity) ||
    Number(isExploited(b)) - Number(isExploited(a)) ||
    compareText(componentKey(a), componentKey(b)) ||
    compareText(a.id, b.id) ||
    compareText(placeKey(a), placeKey(b)) ||
    compareText(JSON.stringify(a), JSON.stringify(b))
  );
}

/** Ranks from 0 for `unknown` to 5 for `critical`. */
export function rankOf(severity: Severity): number {
  return severities.indexOf(severity);
}

/** Compares code units, so the result is the same on every machine. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The component of a finding, if it has one. */
export function componentOf(finding: Finding) {
  return finding.class === 'vulnerability' || finding.class === 'malware' ? finding.component : undefined;
}

function isExploited(finding: Finding): boolean {
  return finding.class === 'vulnerability' && finding.knownExploited;
}

function componentKey(finding: Finding): string {
  const component = componentOf(finding);
  return component === undefined ? '' : `${component.name}\0${component.version}\0${component.purl}`;
}

function placeKey(finding: Finding): string {
  const line = finding.class === 'secret' ? (finding.line ?? 0) : 0;
  return `${finding.places[0]?.path ?? ''}\0${String(line).padStart(9, '0')}`;
}
