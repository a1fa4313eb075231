export { type ApiOptions, createApi, sandboxEntrance } from './api.ts';
export type { OperatorSource } from './console/operator.ts';
export type { EditedPolicy } from './console/operator-policy.ts';
export type { OperatorWaivers } from './console/operator-waivers.ts';
export { tlsFrontOf } from './http-app.ts';
export type { ListActionFigures } from './resources/action-figures.ts';
export {
  type BlobPlace,
  closeSandboxWays,
  type NodeRoutes,
  proofHeader,
  sandboxProtocol,
  sandboxWay,
} from './resources/cluster-nodes.ts';
export type { ExplainAction } from './resources/explain.ts';
export type { BuildInfo, Readiness } from './resources/info.ts';
export type { ReportSource } from './resources/reports.ts';
export type { TlsFront, TlsIdentity } from './secure/tls-front.ts';
export type { TokenGuard } from './web/bearer.ts';

/** Loaded only for a server that speaks TLS. */
export const loadTls = async () => (await import('./secure/tls-front.ts')).openTlsFront;
export const loadRedirect = async () => (await import('./secure/redirect.ts')).createRedirect;
