/**
 * Where an activation stands in a trace: https://www.w3.org/TR/trace-context/. Its own span has the first half of its id as span
 * id, so the parts of a sequence find the span of the whole without a table.
 */
import { hash } from 'node:crypto';
import type { CompletionStatus } from '../../dispatch/index.ts';
import type { Traffic } from '../../egress/index.ts';
import type { Violation } from '../../sandbox/index.ts';

/** The trace that a call belongs to. */
export interface TraceOrigin {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  readonly isSampled: boolean;
  /** The caller's span, 16 hexadecimal digits. Undefined: the trace begins here. */
  readonly parentSpan: string | undefined;
}

export interface Tracing {
  /** Decides whether the spans of a trace are exported. */
  readonly isSampled: (traceId: string) => boolean;
  /** Called for each activation that ended and whose trace is sampled. Must not throw. */
  readonly ended: (activation: TracedActivation) => void;
}

/** An activation whose end is known. Times are epoch milliseconds. */
export interface TracedActivation {
  readonly traceId: string;
  readonly span: string;
  readonly parentSpan: string | undefined;
  readonly activationId: string;
  readonly namespace: string;
  /** `/ns/[pkg/]name`. */
  readonly action: string;
  readonly kind: string;
  readonly status: CompletionStatus;
  readonly isPart: boolean;
  readonly acceptedAt: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly initMs: number | undefined;
  /** How long it waited for the start of a sandbox. */
  readonly sandboxMs: number | undefined;
  /** How its sandbox came. Undefined for an activation without one. */
  readonly start: 'warm' | 'prewarmed' | 'cold' | undefined;
  readonly traffic?: Traffic | undefined;
  /** Those of its sandbox's policy, also refused connections. */
  readonly violations?: readonly Violation[] | undefined;
}

/** Members of a task that has a trace. */
export interface TraceMembers {
  /** `traceparent` of its own span. */
  readonly traceparent?: string | undefined;
  readonly parentSpan?: string | undefined;
}

const form = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:$|-)/;

const noTraceId = '0'.repeat(32);

/** By character code. */
const isHexDigit = new Uint8Array(128);
for (const digit of '0123456789abcdef') isHexDigit[digit.charCodeAt(0)] = 1;

/**
 * The trace of a call. Whether it is sampled depends on its id alone: a caller can't have everything exported by a flag.
 * @param traceparent the header of the request. Undefined or invalid: all activations of the transaction get one trace
 */
export function traceOf(
  traceparent: string | undefined,
  transactionId: string,
  { isSampled }: Pick<Tracing, 'isSampled'>,
): TraceOrigin {
  const sent = traceparent === undefined || traceparent.length > 200 ? null : form.exec(traceparent);
  const traceId = sent?.[1] ?? traceIdOfTransaction(transactionId);
  return { traceId, isSampled: isSampled(traceId), parentSpan: sent?.[2] };
}

/** The trace of a task that was read from the durable queue, for its parts. */
export function traceOfTask({ traceparent }: TraceMembers): TraceOrigin | undefined {
  if (traceparent === undefined) return undefined;
  return {
    traceId: traceparent.slice(3, 35),
    isSampled: isSampledTask({ traceparent }),
    parentSpan: undefined,
  };
}

/** @param cause the activation that this one is a part of */
export function traceMembers(
  trace: TraceOrigin | undefined,
  activationId: string,
  cause: string | undefined,
): TraceMembers {
  if (trace === undefined) return {};
  const traceparent = `00-${trace.traceId}-${spanOf(activationId)}-${trace.isSampled ? '01' : '00'}`;
  return { traceparent, parentSpan: cause === undefined ? trace.parentSpan : spanOf(cause) };
}

/**
 * The trace of a request for log lines: that of its caller or, if Ward traces, the one that begins with its transaction.
 * @param traceparent the header of the request
 */
export function traceIdOfRequest(
  traceparent: string | undefined,
  transactionId: string,
  isTracing: boolean,
): string | undefined {
  const { traceId, parentSpan } = traceOf(traceparent, transactionId, { isSampled: () => false });
  return isTracing || parentSpan !== undefined ? traceId : undefined;
}

export function isSampledTask({ traceparent }: TraceMembers): boolean {
  return traceparent?.endsWith('1') === true;
}

export function traceIdOf({ traceparent }: TraceMembers): string | undefined {
  return traceparent?.slice(3, 35);
}

/** Tells a log line which call it is about. */
export function callIds({ activationId, traceparent }: TraceMembers & { readonly activationId: string }) {
  return { activationId, ...(traceparent === undefined ? {} : { traceId: traceIdOf({ traceparent }) }) };
}

/** An id of Ward's own is as random as that of a trace. */
function traceIdOfTransaction(transactionId: string): string {
  return isTraceId(transactionId) ? transactionId : hash('sha256', transactionId).slice(0, 32);
}

/** Each call asks this. A regular expression takes three times as long. */
function isTraceId(text: string): boolean {
  if (text.length !== 32 || text === noTraceId) return false;
  for (let at = 0; at < 32; at++) if (isHexDigit[text.charCodeAt(at)] !== 1) return false;
  return true;
}

function spanOf(activationId: string): string {
  return activationId.slice(0, 16);
}
