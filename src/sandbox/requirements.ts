/** Finds the mechanisms that a host and a runtime can't give to a policy, and why. Pure. */
import { sandboxFault } from './faults.ts';
import type { HostFeatures, RuntimeFeatures } from './host/features.ts';
import { type Mechanism, mechanismNames } from './mechanisms.ts';
import type { SandboxPolicy } from './policy.ts';
import { type RuntimeAdvisory, refusedAdvisories } from './runtime/advisories.ts';

export interface HostSituation {
  readonly policy: SandboxPolicy;
  readonly host: HostFeatures;
  readonly runtime: RuntimeFeatures;
  /** The root has a `setpriv` that can apply Landlock. */
  readonly hasLandlockLauncher: boolean;
}

interface Unmet {
  readonly mechanism: Mechanism;
  readonly why: string;
}

/**
 * @throws Fault POLICY_NOT_MET when the runtime has a hole that the policy refuses, or a required mechanism is missing
 */
export function checkRequirements(situation: HostSituation): void {
  const { policy, runtime } = situation;
  const holes = refusedAdvisories(runtime, policy.runtimeAdvisories);
  if (holes.length > 0) throw runtimeVulnerable(runtime, holes);
  const unmet = unmetRequirements(situation);
  if (unmet.length === 0) return;
  const list = unmet.map(({ mechanism, why }) => `${mechanism} (${why})`).join(', ');
  throw sandboxFault('POLICY_NOT_MET', `this host lacks what the policy requires: ${list}`, {
    hint: 'see `ward doctor`, or change `required` in the policy',
  });
}

/** Lists the mechanisms that are missing here, whether required or not. */
export function unavailable(situation: HostSituation): readonly Unmet[] {
  return mechanismNames.flatMap((mechanism) => {
    const why = checks[mechanism]?.(situation);
    return why === undefined ? [] : [{ mechanism, why }];
  });
}

/** Lists the missing mechanisms that the policy requires, names a profile for or has rules for. */
export function unmetRequirements(situation: HostSituation): readonly Unmet[] {
  const { required: listed, apparmorProfile, selinuxLabel, egress } = situation.policy;
  const required = new Set<Mechanism>(listed);
  if (isNamed(apparmorProfile)) required.add('apparmor');
  if (isNamed(selinuxLabel)) required.add('selinux');
  // A sandbox with egress rules that can't connect would fail later.
  if (egress !== undefined) required.add('egress');
  return unavailable(situation).filter(({ mechanism }) => required.has(mechanism));
}

function runtimeVulnerable({ name, version }: RuntimeFeatures, holes: readonly RuntimeAdvisory[]) {
  const list = holes.map(({ id, title }) => `${id} (${title})`).join(', ');
  return sandboxFault('POLICY_NOT_MET', `${name} ${version} has known holes: ${list}`, {
    hint: `upgrade ${name}, use another \`sandbox.runtime\`, or change \`sandbox.runtimeAdvisories\``,
  });
}

function isNamed(choice: string | undefined): boolean {
  return choice !== undefined && choice !== 'auto';
}

type Check = (situation: HostSituation) => string | undefined;

const controller =
  (v1: string, v2: string): Check =>
  ({ host: { cgroup } }) => {
    const name = cgroup.version === 1 ? v1 : v2;
    return cgroup.controllers.has(name) ? undefined : `no cgroup controller ${name}`;
  };

const namespace =
  (name: string): Check =>
  ({ host }) =>
    host.namespaces.has(name) ? undefined : `the kernel has no ${name} namespaces`;

/** Mechanisms without an entry are in every kernel that Ward runs on. */
const checks: Partial<Record<Mechanism, Check>> = {
  'memory-limit': (situation) =>
    controller('memory', 'memory')(situation) ??
    (situation.host.cgroup.swapLimit ? undefined : 'the kernel can’t limit swap'),
  'cpu-limit': controller('cpu', 'cpu'),
  'pids-limit': controller('pids', 'pids'),
  'io-limit': (situation) => {
    if (situation.policy.io === undefined) return 'the policy sets no io limit';
    if (situation.policy.runtime === 'runsc') return 'runsc refuses io limits';
    const { readBytesPerSecond, writeBytesPerSecond } = situation.policy.io;
    const hasRates = readBytesPerSecond !== undefined || writeBytesPerSecond !== undefined;
    if (!hasRates && !situation.host.cgroup.ioWeight) return 'no disk scheduler here supports weights';
    return controller('blkio', 'io')(situation);
  },
  freezer: ({ host: { cgroup } }) =>
    cgroup.version === 2 || cgroup.controllers.has('freezer') ? undefined : 'no cgroup controller freezer',
  'user-namespace': namespace('user'),
  'pid-namespace': namespace('pid'),
  'mount-namespace': namespace('mnt'),
  'ipc-namespace': namespace('ipc'),
  'uts-namespace': namespace('uts'),
  'cgroup-namespace': namespace('cgroup'),
  'network-namespace': namespace('net'),
  egress: ({ host }) => host.egressObstacle,
  'time-namespace': (situation) =>
    situation.policy.runtime === 'runsc'
      ? 'gVisor has clocks of its own instead'
      : namespace('time')(situation),
  landlock: ({ policy, host, hasLandlockLauncher }) => {
    if (policy.landlock === undefined) return 'the policy turns it off';
    if (policy.runtime === 'runsc') return 'gVisor has no Landlock';
    if (!host.lsm.landlock) return 'the kernel has no Landlock';
    return hasLandlockLauncher ? undefined : 'the image has no /usr/bin/setpriv that can apply it';
  },
  'landlock-scope': ({ policy, host }) => {
    if (policy.landlock === undefined) return 'the policy turns it off';
    if (policy.runtime === 'runsc') return 'gVisor has no Landlock';
    return host.inherited.has('scope') ? undefined : 'the kernel has no scopes (Landlock ABI 6)';
  },
  'no-write-execute': ({ policy, host }) => {
    if (policy.writeExecute === 'allowed') return 'the policy turns it off';
    if (policy.runtime === 'runsc') return 'gVisor’s kernel makes code as it runs';
    return host.inherited.has('no-write-execute') ? undefined : 'the kernel has no PR_SET_MDWE';
  },
  'core-scheduling': ({ policy, host }) => {
    if (!policy.coreScheduling) return 'the policy turns it off';
    return host.inherited.has('core')
      ? undefined
      : 'the kernel has no core scheduling, or the processor has no SMT';
  },
  'speculation-control': ({ policy, host }) => {
    if (!policy.speculationControl) return 'the policy turns it off';
    const canSet = host.inherited.has('store-bypass') || host.inherited.has('indirect-branch');
    return canSet ? undefined : 'the kernel does not let processes set it';
  },
  apparmor: ({ policy, host }) => {
    if (host.lsm.apparmorProfiles === undefined) return 'AppArmor is off on this host';
    if (policy.apparmorProfile === undefined) return 'the policy turns it off';
    if (policy.runtime === 'runsc') return 'runsc applies no AppArmor profiles';
    if (policy.apparmorProfile === 'auto') {
      return host.lsm.apparmorParser === undefined ? 'apparmor_parser is not installed' : undefined;
    }
    return host.lsm.apparmorProfiles.has(policy.apparmorProfile)
      ? undefined
      : `the profile ${policy.apparmorProfile} is not loaded`;
  },
  selinux: ({ policy, host, runtime }) => {
    if (host.lsm.selinux !== 'enforcing') return `SELinux is ${host.lsm.selinux} on this host`;
    if (policy.selinuxLabel === undefined) return 'the policy turns it off';
    if (policy.runtime === 'runsc') return 'runsc applies no SELinux labels';
    if (policy.selinuxLabel !== 'auto' || runtime.containerLabel) return undefined;
    return `SELinux lets ${runtime.name} start nothing as container_t`;
  },
  'host-isolation': ({ host }) =>
    host.isolated ? undefined : 'this process shares its mount and pid namespace with the host',
};
