/**
 * Exemplars: each range of a latency names a recent trace that fell into it. Only OpenMetrics can show them:
 * https://prometheus.io/docs/specs/om/open_metrics_spec/#exemplars
 */
import { Histogram, type HistogramConfiguration, type Metric, Registry } from 'prom-client';
import type { Job } from '../../../dispatch/index.ts';
import { isSampledTask } from '../../../functions/index.ts';

type Config<Label extends string> = Pick<HistogramConfiguration<Label>, 'name' | 'help'> & {
  readonly labelNames: readonly Label[];
  readonly buckets: readonly number[];
};

/** A histogram with exemplars. The library takes none into a registry of the plain format, which leaves them out. */
export function exemplified<Label extends string>(
  registry: Registry,
  { labelNames, buckets, ...config }: Config<Label>,
): Histogram<Label> {
  const own = { labelNames: [...labelNames], buckets: [...buckets], enableExemplars: true, registers: [] };
  const histogram = new Histogram<Label>({ ...config, ...own });
  registry.registerMetric(histogram);
  return histogram;
}

/** Empty unless the trace of the call is exported: other traces can be looked up nowhere. */
export function exemplarOf(called: Pick<Job, 'traceparent'>): { readonly exemplarLabels?: object } {
  const { traceparent } = called;
  if (traceparent === undefined || !isSampledTask(called)) return {};
  return { exemplarLabels: { trace_id: traceparent.slice(3, 35), span_id: traceparent.slice(36, 52) } };
}

/** All metrics as OpenMetrics. The library renames the counters that it prints in this format, so it gets heirs of them. */
export function openMetricsOf(registry: Registry): Promise<string> {
  const open = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>();
  open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  for (const metric of registry.getMetricsAsArray()) open.registerMetric(Object.create(metric) as Metric);
  return open.metrics();
}
