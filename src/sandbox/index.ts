/** Sandboxes: policy → OCI runtime configuration → a running process with a channel. */
export { boundPolicy, type PolicyRequest } from './bound.ts';
export { enterIsolation, isIsolated } from './isolation/isolation.ts';
export {
  type OperatorPolicy,
  type OperatorPolicyFile,
  operatorPolicy,
  operatorPolicySchema,
} from './operator.ts';
export { type SandboxPolicy, strictPolicy, type TmpfsPolicy } from './policy.ts';
export { openSandboxHost, type SandboxHostOptions } from './sandbox-host.ts';
export type * from './types.ts';
