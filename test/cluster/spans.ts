/** Judges when blocking calls failed: only while a fault lasted, and for three seconds after it. */
import { type Answer, type Kind, queuedKinds, type Violation } from '../chaos/evidence.ts';

/** Time in which a fault lasted, in epoch milliseconds. */
export interface FaultSpan {
  readonly from: number;
  /** When the cause was gone: processes run again, lines are open. Not when all is well again. */
  readonly to: number;
  /** It explains only failures of calls to this node (`Ward.instance`). Absent: of all calls. */
  readonly via?: string | undefined;
}

/** An invoker that is not heard is given up after 2.75 s. */
export const graceMs = 3000;
/** On a machine this busy, a node can be silent for longer only because it gets no processor. */
export const busyLoad = 8;
const unheard = /is not heard any more/;
/** Their actions fail. */
const failing: ReadonlySet<Kind> = new Set(['fails', 'exits']);

/** The blocking calls that failed at a time that no fault explains. */
export function failedOutside(answers: readonly Answer[], spans: readonly FaultSpan[]): readonly Violation[] {
  return answers.filter(isFailure).flatMap((answer) => {
    const isExplained = ({ from, to, via }: FaultSpan) =>
      answer.at >= from && answer.at <= to + graceMs && (via === undefined || via === answer.via);
    if (spans.some(isExplained) || isStarved(answer)) return [];
    return [{ rule: 'failed without a fault', what: tell(answer, spans) }];
  });
}

/** How much of a time faults lasted that strike this node, and their aftermath. */
export function explainedMs({ from, to, via }: FaultSpan, spans: readonly FaultSpan[]): number {
  const own = spans.filter((span) => span.via === undefined || span.via === via);
  let explained = 0;
  let until = from;
  for (const span of own.toSorted((one, other) => one.from - other.from)) {
    const begin = Math.max(until, span.from);
    const end = Math.min(to, span.to + graceMs);
    if (end <= begin) continue;
    explained += end - begin;
    until = end;
  }
  return explained;
}

function isFailure({ kind, status, isOverload }: Answer): boolean {
  const isPlatforms = status === 0 || status >= 500 || isOverload === true;
  return !queuedKinds.has(kind) && !failing.has(kind) && isPlatforms;
}

/** Whether a node was lost because the machine was too busy. */
export function isStarved({ text = '', load = 0 }: Answer): boolean {
  return load > busyLoad && unheard.test(text);
}

function tell(
  { kind, marker, status, at, sentAt = at, text, load = 0 }: Answer,
  spans: readonly FaultSpan[],
): string {
  const ends = spans.map(({ to }) => to).filter((to) => to <= at);
  const since = ends.length === 0 ? 'before any fault' : `${at - Math.max(...ends)} ms after the last one`;
  const what = status === 0 ? 'no answer' : `${status} ${text ?? ''}`;
  return `${kind} ${marker}, after ${at - sentAt} ms, ${since}, load ${load.toFixed(1)}: ${what}`;
}
