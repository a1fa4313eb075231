export { type InvokerAbilities, needsGvisor, requireAble, requireReachable } from './abilities.ts';
export {
  type ActivationLog,
  formatLine,
  isLongLog,
  type LongLog,
  lastLinesOf,
  linesOf,
  lostLog,
  nowMicros,
  type PackedLines,
  type PartialLog,
  packLines,
  packSharedLines,
  partialOf,
  type StreamName,
  streamNames,
  unpackLines,
  withLine,
} from './activation-log.ts';
export {
  type Admission,
  type AdmissionControl,
  type AdmissionOptions,
  createAdmissionControl,
  type NamespaceLimits,
  type RateUsage,
} from './admission-control.ts';
export { type OpenClusterOptions, openCluster } from './cluster/open-cluster.ts';
export type {
  Cluster,
  ClusterCounts,
  ClusterOptions,
  DrainOrdersByNode,
  InvokerLoad,
  LocalInvoker,
  OwnCalls,
} from './cluster/types.ts';
export {
  dispatchFaults,
  imageUnknown,
  invokerBusy,
  invokerClosed,
  invokerCutOff,
  jobWithdrawn,
  mayGoElsewhere,
} from './faults.ts';
export { createLimitShare, type LimitShare } from './limit-share.ts';
export { LiveLog, type LogFollower, type LogPiece } from './live-log.ts';
export type { HeardNode } from './nodes/membership.ts';
export type { JudgeRevisions, NodeReport, NodeRole } from './nodes/node-report.ts';
export { groupHash } from './placement/group-hash.ts';
export type * from './placement/types.ts';
export { mostIdleGroups } from './placement/types.ts';
export { defaultResultBytes, overLimitText, tooLargeText } from './result-limit.ts';
export { boundAsk, type DerivedPolicy, sandboxPolicy } from './sandbox-policy.ts';
export type * from './types.ts';
export { loadGrantMs } from './types.ts';
export { mainReason, type WaitReason, waitReasons } from './wait-reasons.ts';
export { loadWire, type Wire } from './wire/load-wire.ts';
