/**
 * The thread that exports spans by OTLP/HTTP, with OpenTelemetry's own queue and exporter. It has them to itself because a server
 * with these libraries in its main thread takes longer for each call (docs/benchmarks.md, "Tracing").
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type HrTime, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { TracedActivation } from '../../functions/index.ts';
import { messageOf } from '../../lib/index.ts';
import { type SpanData, spansOf } from './spans.ts';

export interface ExporterData {
  /** Base URL of the collector; spans go to `…/v1/traces`. */
  readonly endpoint: string;
  readonly version: string;
  /** Name of this server. */
  readonly node: string;
}

/** To this thread: what has ended, or the request to export everything and to end. */
export type ExporterRequest = readonly TracedActivation[] | 'close';

/** From this thread. `taken` answers each list. */
export type ExporterReply =
  | { readonly type: 'taken' }
  | { readonly type: 'failing'; readonly reason: string }
  | { readonly type: 'working' };

/** Spans that wait at most; further ones are dropped. */
const mostWaiting = 8_192;
const exportMs = 10_000;

const { endpoint, version, node }: ExporterData = workerData;
const port = parentPort;
if (port === null) throw new Error('this module runs as a worker thread only');
const reply = (message: ExporterReply) => port.postMessage(message);

const processor = new BatchSpanProcessor({
  exporter: watched(
    new OTLPTraceExporter({
      url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
      timeoutMillis: exportMs,
      concurrencyLimit: 2,
    }),
  ),
  maxQueueSize: mostWaiting,
  exportTimeoutMillis: exportMs,
});
const resource = resourceFromAttributes({
  'service.name': 'ward',
  'service.version': version,
  'service.instance.id': node,
});

port.on('message', (request: ExporterRequest) => {
  if (request === 'close') {
    void processor
      .shutdown()
      .catch(() => {})
      .finally(() => port.close());
    return;
  }
  for (const activation of request) {
    for (const data of spansOf(activation)) processor.onEnd(readable(data));
  }
  reply({ type: 'taken' });
});

function readable(data: SpanData): ReadableSpan {
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
}

/** Says when the collector begins to take nothing, and when it takes spans again. */
function watched(exporter: SpanExporter): SpanExporter {
  let isFailing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const hasFailed = result.error !== undefined;
        if (hasFailed && !isFailing) reply({ type: 'failing', reason: messageOf(result.error) });
        if (!hasFailed && isFailing) reply({ type: 'working' });
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
