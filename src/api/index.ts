export { type ApiLimits, type ApiOptions, createApi, defaultApiLimits } from './api.ts';
export type { BuildInfo } from './resources/info.ts';
export type { ReportSource } from './resources/reports.ts';
