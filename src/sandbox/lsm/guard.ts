/** What a policy leaves to Ward of the host's LSMs: `auto` becomes a profile of Ward's own, or nothing. */
import type { LsmFeatures } from '../host/features.ts';
import type { SandboxPolicy } from '../policy.ts';
import { openAppArmor } from './apparmor.ts';

export interface LsmGuard {
  /**
   * The policy with the name of a loaded AppArmor profile, or with none where the host or the runtime has no
   * AppArmor. What the operator named stays. @throws Fault HOST_UNFIT
   */
  settle(policy: SandboxPolicy): Promise<SandboxPolicy>;
  /** Takes out the profiles that a killed Ward of this instance left; its sandboxes must be gone. */
  removeLeft(): Promise<number>;
  close(): Promise<void>;
}

export function openLsmGuard(lsm: LsmFeatures, instance: string): LsmGuard {
  const apparmor =
    lsm.apparmorParser === undefined ? undefined : openAppArmor({ instance, parser: lsm.apparmorParser });
  return {
    async settle(policy) {
      if (policy.apparmorProfile !== 'auto') return policy;
      const isAble = apparmor !== undefined && policy.runtime !== 'runsc';
      return { ...policy, apparmorProfile: isAble ? await apparmor.profileFor(policy) : undefined };
    },
    removeLeft: async () => (await apparmor?.removeLeft()) ?? 0,
    close: async () => await apparmor?.close(),
  };
}
