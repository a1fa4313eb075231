/** Verdicts and severities in words, and where the API has them for this session. */
import type { Finding, Outcome } from '../../../../answers/index.ts';
import { may } from '../../app/session.ts';
import { Status, type Tone } from '../../components/status.tsx';

/** An operator sees all namespaces. */
export function gateRoot(): string {
  return may('operator') ? '/ward/v1/operator' : '/ward/v1';
}

const outcomes: Readonly<Record<Outcome, readonly [Tone, string]>> = {
  allow: ['good', 'allowed'],
  warn: ['warn', 'allowed with warnings'],
  deny: ['bad', 'denied'],
};

export function OutcomeStatus({ outcome }: { readonly outcome: Outcome }) {
  const [tone, text] = outcomes[outcome] ?? ['idle', 'unknown'];
  return <Status tone={tone} text={text} />;
}

const runOutcomes: Readonly<Record<string, readonly [Tone, string]>> = {
  allow: ['good', 'runs'],
  warn: ['warn', 'runs, with warnings'],
  deny: ['bad', 'must not run'],
  absent: ['bad', 'its image is not here'],
  unjudged: ['warn', 'can’t be judged now'],
};

/** What the gate says about a call of a function now. */
export function RunVerdict({ outcome }: { readonly outcome: string }) {
  const [tone, text] = runOutcomes[outcome] ?? ['idle', outcome];
  return <Status tone={tone} text={text} />;
}

/** A summary names the report for those who don't see it beside a link. */
export function withoutReport(summary: string): string {
  return summary.replace(/; report: \S+$/, '');
}

const severityTones: Readonly<Record<string, Tone>> = {
  critical: 'bad',
  high: 'bad',
  medium: 'warn',
  low: 'idle',
};

export function Severity({ finding }: { readonly finding: Finding }) {
  return <Status tone={severityTones[finding.severity] ?? 'idle'} text={finding.severity} />;
}

export function packageText({ component, places }: Finding): string {
  if (component !== undefined) return `${component.ecosystem} ${component.name} ${component.version}`;
  return places[0]?.path ?? '';
}

/** What to do about a finding. */
export function remedyText({ fixedIn = [], advice, class: kind, component }: Finding): string {
  if (fixedIn.length > 0) return `upgrade to ${fixedIn[0]}`;
  if (advice !== undefined) return advice;
  if (kind === 'malware') return component === undefined ? 'remove it' : 'remove the package';
  if (kind === 'secret') return 'take it out, and replace it';
  return 'no fix is known';
}

export const nothingJudged = 'ward image scan FOLDER-OR-IMAGE';
