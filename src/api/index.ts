export { type ApiOptions, createApi, sandboxEntrance } from './api.ts';
export type { BuildInfo, Readiness } from './resources/info.ts';
export type { ReportSource } from './resources/reports.ts';
