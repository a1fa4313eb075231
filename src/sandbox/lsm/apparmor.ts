/**
 * Loads the profiles of a Ward's sandboxes into the kernel and removes them again (apparmor(7)). Loads a profile before
 * the first sandbox that needs it; the next Ward removes what a killed one left.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, messageOf, mustRun } from '../../lib/index.ts';
import { sandboxFault } from '../faults.ts';
import type { LsmFeatures } from '../host/features.ts';
import { parseProfiles } from '../host/inspect.ts';
import type { SandboxPolicy } from '../policy.ts';
import { apparmorProfile, isProfileOf } from './apparmor-profile.ts';

/** Settles what a policy leaves to Ward: `auto` becomes a profile of Ward’s own, or no profile. */
export interface LsmGuard {
  /**
   * Returns the policy with the name of a loaded AppArmor profile, or without one where the host or the runtime has no
   * AppArmor. A profile that the operator named stays. @throws Fault HOST_UNFIT
   */
  settle(policy: SandboxPolicy): Promise<SandboxPolicy>;
  /** Removes the profiles that a killed Ward of this instance left; its sandboxes must be gone. */
  removeLeft(): Promise<number>;
  close(): Promise<void>;
}

interface AppArmor {
  /** Returns the name of the loaded profile for this policy. @throws Fault HOST_UNFIT when the kernel refuses it */
  profileFor(policy: SandboxPolicy): Promise<string>;
  /** Removes profiles of an earlier run of this instance that are not in use. Returns how many. */
  removeLeft(): Promise<number>;
  /** Removes all profiles that were loaded. No sandbox may be left: it would lose its confinement. */
  close(): Promise<void>;
}

interface AppArmorOptions {
  readonly instance: string;
  /** The path of apparmor_parser. */
  readonly parser: string;
  readonly securityDir?: string;
}

const abiDir = '/etc/apparmor.d/abi';

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

function openAppArmor(options: AppArmorOptions): AppArmor {
  const { instance, parser } = options;
  const securityDir = options.securityDir ?? '/sys/kernel/security/apparmor';
  const abi = existsSync(join(abiDir, '4.0')) ? '4.0' : '3.0';
  const loaded = new Map<string, Promise<void>>();

  const load = async (text: string): Promise<void> => {
    try {
      // Uses no cache on disk: another Ward could be reading what this one writes.
      await mustRun([parser, '--replace', '--skip-cache'], { input: text, timeoutMs: 30_000 });
    } catch (cause) {
      throw sandboxFault('HOST_UNFIT', `the AppArmor profile can't be loaded: ${messageOf(cause)}`, {
        hint: 'see `ward doctor`; `sandbox.apparmorProfile: off` runs without one',
        cause,
      });
    }
  };
  const take = async (name: string): Promise<void> => {
    await writeFile(join(securityDir, '.remove'), name).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
    });
  };
  return {
    async profileFor(policy) {
      const { name, text } = apparmorProfile(policy, { instance, abi });
      const known = loaded.get(name);
      const loading = known ?? load(text);
      if (known === undefined) loaded.set(name, loading);
      try {
        await loading;
      } catch (error) {
        loaded.delete(name);
        throw error;
      }
      return name;
    },
    async removeLeft() {
      const text = await readFile(join(securityDir, 'profiles'), 'utf8');
      const left = [...parseProfiles(text)].filter(
        (name) => isProfileOf(instance, name) && !loaded.has(name),
      );
      for (const name of left) await take(name);
      return left.length;
    },
    async close() {
      await Promise.allSettled(loaded.values());
      for (const name of loaded.keys()) await take(name);
      loaded.clear();
    },
  };
}
