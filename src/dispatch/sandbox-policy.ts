/**
 * The policy of an action's sandboxes: the operator's default, changed by what the action and its namespace ask for.
 */
import { narrowEgress } from '../egress/index.ts';
import {
  boundPolicy,
  type OperatorPolicy,
  type PolicyAsk,
  type PolicyRequest,
  policyFor,
  type SandboxPolicy,
  type TmpfsPolicy,
} from '../sandbox/index.ts';
import type { EffectiveSandboxAsk, JobTarget, SandboxAsk } from './types.ts';

export interface DerivedPolicy {
  /** What the policy is derived from. */
  readonly ask: PolicyAsk;
  readonly policy: SandboxPolicy;
  /** Only the memory differs from the operator's default. */
  readonly isDefault: boolean;
}

const mebibyte = 1024 * 1024;
/** The same ratio as the default has. */
const inodesPerMiB = 64;
const writable = '/tmp';

/** @throws Fault POLICY_EXCEEDED, EGRESS_EXCEEDED, POLICY_INVALID, naming the field */
export function sandboxPolicy(
  { limits, sandbox }: Pick<JobTarget, 'limits' | 'sandbox'>,
  operator: OperatorPolicy,
): DerivedPolicy {
  const { defaults } = operator;
  const asked: PolicyRequest = {
    ...(limits.cpus === undefined || limits.cpus === defaults.cpus ? {} : { cpus: limits.cpus }),
    ...diskRequest(limits.diskMiB, defaults),
    ...sandboxRequest(sandbox ?? {}, defaults),
  };
  checkWithin(sandbox ?? {});
  const ask = { request: asked, memoryBytes: limits.memoryMiB * mebibyte };
  return { ask, policy: policyFor(ask, operator), isDefault: Object.keys(asked).length === 0 };
}

/** @throws Fault POLICY_EXCEEDED, POLICY_INVALID, naming the field */
export function boundAsk(ask: SandboxAsk, operator: OperatorPolicy): void {
  boundPolicy(sandboxRequest(ask, operator.defaults), operator);
}

function diskRequest(
  diskMiB: number | undefined,
  { tmpfs }: SandboxPolicy,
): { readonly tmpfs?: readonly TmpfsPolicy[] } {
  const current = tmpfs.find(({ path }) => path === writable);
  if (diskMiB === undefined || diskMiB * mebibyte === current?.sizeBytes) return {};
  const inodes = Math.max(1024, Math.ceil(diskMiB * inodesPerMiB));
  return {
    tmpfs: [{ path: writable, exec: current?.exec ?? false, sizeBytes: diskMiB * mebibyte, inodes }],
  };
}

function checkWithin({ egress, egressWithin }: Partial<EffectiveSandboxAsk>): void {
  if (egress !== undefined && egressWithin !== undefined) narrowEgress(egress, egressWithin);
}

function sandboxRequest(
  { tier, seccomp, seccompWithin, egress }: Partial<EffectiveSandboxAsk>,
  defaults: SandboxPolicy,
): PolicyRequest {
  const profiles = [seccompWithin, seccomp].filter((profile) => profile !== undefined);
  return {
    ...(tier === 'gvisor' && defaults.runtime !== 'runsc' ? { runtime: 'runsc' } : {}),
    ...(profiles.length === 0 ? {} : { seccomp: profiles }),
    ...(egress === undefined || egress.length === 0 ? {} : { egress }),
  };
}
