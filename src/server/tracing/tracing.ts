/**
 * Exports the spans of activations by OTLP/HTTP, with OpenTelemetry's own queue and exporter. This file is only loaded when the
 * operator has set an endpoint: the libraries take memory.
 */
import { type HrTime, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  type ReadableSpan,
  SamplingDecision,
  type SpanExporter,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';
import type { Tracing } from '../../functions/index.ts';
import { type Log, messageOf } from '../../lib/index.ts';
import { type SpanData, spansOf } from './spans.ts';

export interface TracingOptions {
  /** Base URL of the collector; spans go to `…/v1/traces`. */
  readonly endpoint: string;
  /** The part of all traces that is exported. */
  readonly ratio: number;
  readonly version: string;
  /** Name of this server. */
  readonly node: string;
  readonly log: Log;
}

/** Spans that wait at most; further ones are dropped. */
const mostWaiting = 8_192;
const exportMs = 10_000;

export function openTracing({
  endpoint,
  ratio,
  version,
  node,
  log,
}: TracingOptions): Tracing & AsyncDisposable {
  const sampler = new TraceIdRatioBasedSampler(ratio);
  const exporter = watched(
    log,
    new OTLPTraceExporter({
      url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
      timeoutMillis: exportMs,
      concurrencyLimit: 2,
    }),
  );
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: mostWaiting,
    exportTimeoutMillis: exportMs,
  });
  const resource = resourceFromAttributes({
    'service.name': 'ward',
    'service.version': version,
    'service.instance.id': node,
  });
  const readable = (data: SpanData): ReadableSpan => {
    const context = (spanId: string) => ({ traceId: data.traceId, spanId, traceFlags: TraceFlags.SAMPLED });
    return {
      name: data.name,
      kind: data.isEntrance ? SpanKind.SERVER : SpanKind.INTERNAL,
      spanContext: () => context(data.span),
      ...(data.parentSpan === undefined ? {} : { parentSpanContext: context(data.parentSpan) }),
      startTime: timeOf(data.startMs),
      endTime: timeOf(data.endMs),
      duration: timeOf(data.endMs - data.startMs),
      status: { code: data.isError ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
      attributes: data.attributes,
      ...{ links: [], events: [], ended: true, resource, instrumentationScope: { name: 'ward', version } },
      ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
    };
  };
  return {
    isSampled: (traceId) =>
      sampler.shouldSample(ROOT_CONTEXT, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED,
    ended(activation) {
      for (const data of spansOf(activation)) processor.onEnd(readable(data));
    },
    [Symbol.asyncDispose]: () => processor.shutdown().catch(() => {}),
  };
}

/** Says when the collector begins to take nothing, and when it takes spans again. */
function watched(log: Log, exporter: SpanExporter): SpanExporter {
  let isFailing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const hasFailed = result.error !== undefined;
        if (hasFailed && !isFailing)
          log.warn({ reason: messageOf(result.error) }, 'the collector takes no traces');
        if (!hasFailed && isFailing) log.info('the collector takes traces again');
        isFailing = hasFailed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

function timeOf(ms: number): HrTime {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1_000_000)];
}
