/** Carries out orders of the platform in this process: checks each against what the operator allows. */
import { policyFor } from './bound.ts';
import type { OperatorPolicy } from './operator.ts';
import type { LocalSandboxHost } from './sandbox-host.ts';
import type { SandboxHost } from './types.ts';

export function takeOrders(
  host: Pick<LocalSandboxHost, 'start' | 'checkPolicy' | 'memoryBytes' | 'leftBehind'>,
  operator: OperatorPolicy,
): SandboxHost {
  return {
    start: async ({ ask, ...request }) => host.start({ ...request, policy: policyFor(ask, operator) }),
    checkPolicy: async (ask) => host.checkPolicy(policyFor(ask, operator)),
    memoryBytes: () => host.memoryBytes(),
    leftBehind: () => host.leftBehind(),
  };
}
