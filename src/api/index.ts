export { type ApiOptions, createApi, sandboxEntrance } from './api.ts';
export type { OperatorSource } from './console/operator.ts';
export {
  type BlobPlace,
  closeSandboxWays,
  type NodeRoutes,
  proofHeader,
  sandboxProtocol,
  sandboxWay,
} from './resources/cluster-nodes.ts';
export type { BuildInfo, Readiness } from './resources/info.ts';
export type { ReportSource } from './resources/reports.ts';
export type { TokenGuard } from './web/bearer.ts';
