/** The spans of an activation that has ended: one for the whole, and one for each phase within it. */

import type { TracedActivation } from '../../functions/index.ts';
import { randomHex } from '../../lib/index.ts';

export interface SpanData {
  readonly traceId: string;
  readonly span: string;
  readonly parentSpan: string | undefined;
  readonly name: string;
  /** A caller outside waits for it. */
  readonly isEntrance: boolean;
  /** Epoch milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly isError: boolean;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** Refused connections of one run that get spans. */
const mostRefused = 20;

/** The clocks of two nodes may differ, so no phase begins before the one before it, and none leaves the whole. */
export function spansOf(activation: TracedActivation): readonly SpanData[] {
  const { traceId, span, parentSpan, action, status, isPart, start } = activation;
  const { acceptedAt, startedAt, endedAt, initMs, sandboxMs = 0 } = activation;
  const isError = status !== 'success';
  const endMs = Math.max(acceptedAt, endedAt);
  const whole: SpanData = {
    ...{ traceId, span, parentSpan, isError, endMs },
    name: action.slice(1),
    isEntrance: !isPart,
    startMs: acceptedAt,
    attributes: attributesOf(activation),
  };
  if (start === undefined) return [whole];
  const clamped = (at: number) => Math.min(endMs, Math.max(acceptedAt, at));
  const ready = clamped(startedAt);
  const asked = clamped(startedAt - sandboxMs);
  const initialised = clamped(startedAt + (initMs ?? 0));
  const phase = (name: string, startMs: number, endMs: number, isFailed = false): SpanData => ({
    ...{ traceId, span: randomHex(16), parentSpan: span, name, isEntrance: false, startMs, endMs },
    ...{ isError: isFailed, attributes: {} },
  });
  const hasRun = initMs === undefined || initialised < endMs || !isError;
  return [
    whole,
    phase('queue', acceptedAt, asked),
    ...(asked < ready ? [phase('sandbox', asked, ready)] : []),
    ...(initMs === undefined ? [] : [phase('init', ready, initialised, isError && !hasRun)]),
    ...(hasRun ? ran(phase('run', initialised, endMs, isError), activation) : []),
  ];
}

/** The run with its connections below it, allowed and refused, each at its moment. */
function ran(run: SpanData, { traffic, violations = [] }: TracedActivation): readonly SpanData[] {
  const { sentBytes, receivedBytes, connections = [] } = traffic ?? {};
  const bytes =
    sentBytes === undefined || receivedBytes === undefined
      ? {}
      : { 'ward.egress.sent_bytes': sentBytes, 'ward.egress.received_bytes': receivedBytes };
  const below = (
    name: string,
    at: number,
    attributes: SpanData['attributes'],
    isError: boolean,
  ): SpanData => {
    const atMs = Math.min(run.endMs, Math.max(run.startMs, at));
    const own = { span: randomHex(16), parentSpan: run.span, startMs: atMs, endMs: atMs };
    return { ...run, ...own, name, attributes, isError };
  };
  const allowed = connections.map(({ name, address, port, protocol, at }) => {
    const attributes = {
      'server.address': name ?? address,
      'server.port': port,
      'network.peer.address': address,
      'network.transport': protocol,
      'ward.egress': 'allowed',
    };
    return below(`${protocol} ${name ?? address}:${port}`, at, attributes, false);
  });
  const refused = violations
    .filter(({ kind }) => kind === 'egress')
    .slice(0, mostRefused)
    .map(({ detail, at }) =>
      below('refused', at, { 'ward.egress': 'refused', 'ward.egress.detail': detail }, true),
    );
  return [{ ...run, attributes: bytes }, ...allowed, ...refused];
}

/** Names of OpenTelemetry's conventions for functions, where it has one. */
function attributesOf({ activationId, namespace, action, kind, status, start }: TracedActivation) {
  return {
    'faas.name': action.slice(1),
    'faas.invocation_id': activationId,
    ...(start === undefined ? {} : { 'faas.coldstart': start === 'cold', 'ward.start': start }),
    'ward.namespace': namespace,
    'ward.kind': kind,
    'ward.status': status,
  };
}
