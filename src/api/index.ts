export { type ApiLimits, type ApiOptions, createApi, defaultApiLimits, sandboxEntrance } from './api.ts';
export type { BuildInfo, Readiness } from './resources/info.ts';
export type { MetricsSource } from './resources/metrics.ts';
export type { ReportSource } from './resources/reports.ts';
