/** Sandboxes: policy → OCI runtime configuration → a running process with a channel. */
export { boundPolicy, type PolicyAsk, type PolicyRequest, policyFor } from './bound.ts';
export { capabilityNames } from './capabilities.ts';
export { openCgroupTree } from './cgroup/open.ts';
export type { Cgroup } from './cgroup/types.ts';
export { runDoctor } from './doctor/doctor.ts';
export type { DoctorReport, DoctorRow } from './doctor/types.ts';
export { type Explanation, explainPolicy } from './explain.ts';
export { sandboxFault } from './faults.ts';
export type { HostFeatures } from './host/features.ts';
export { checkFitness, type Needs } from './host/fitness.ts';
export { isIsolated } from './host/isolated.ts';
export { readMounts, unmountBelow } from './host/mounts.ts';
export { chargedBytes, type OwnMemory, ownMemory } from './host/own-memory.ts';
export { instancesWithOwnGroup, removeUnusedGroups } from './host/unused-groups.ts';
export { findTraces, removeTraces, type WardTraces } from './host/ward-traces.ts';
export { shiftingClocks } from './inherited.ts';
export { enterIsolation } from './isolation/isolation.ts';
export { putServerFirst, takePrecedence } from './isolation/precedence.ts';
export { joinSandbox } from './joined-sandbox.ts';
export { shareWithSandboxes } from './lsm/label.ts';
export { type Mechanism, mechanismNames } from './mechanisms.ts';
export type { OciMount, OciSpec } from './oci-config.ts';
export {
  type OperatorPolicy,
  operatorPolicy,
  operatorPolicySchema,
  resolverSchema,
  usualMemoryMiB,
} from './operator.ts';
export { takeOrders } from './orders.ts';
export { rlimitsOf, type SandboxPolicy, strictPolicy, type TmpfsPolicy } from './policy.ts';
export { type ReadyProcess, startReady } from './ready-process.ts';
export { readRecording } from './recorder/reading.ts';
export { openRecorder, removeRecording } from './recorder/recorder.ts';
export { findLandlockLauncher } from './request.ts';
export { superviseSandbox } from './running-sandbox.ts';
export { runtimeDrivers } from './runtime/drivers.ts';
export { buildSpec } from './runtime-config/build.ts';
export {
  exitOf,
  type RuntimeProcess,
  type RuntimeStreams,
  runtimeProcessOf,
  type StartRuntime,
} from './runtime-process.ts';
export { type LocalSandboxHost, openSandboxHost } from './sandbox-host.ts';
export { refuseOwnNetwork } from './sandbox-ports.ts';
export { type Learned, learnedProfile } from './seccomp/learned.ts';
export type * from './types.ts';
export { openIdRanges } from './uid-ranges.ts';
export {
  type Violation,
  type ViolationKind,
  type ViolationSink,
  violation,
} from './violations.ts';
