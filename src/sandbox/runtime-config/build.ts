/**
 * Policy + request + host → the complete OCI runtime configuration. Pure, so that unit tests can check every line of
 * it. It leaves out what the host lacks, but only where the policy doesn't require it (`requirements.ts` has checked
 * that before).
 */

import type { OciSpec } from '../oci-config.ts';
import { compileSeccomp } from '../seccomp/compile.ts';
import { strictProfile } from '../seccomp/profile.ts';
import type { SpecInput } from './input.ts';
import { mountsOf } from './mounts.ts';
import { idMappings, namespacesOf } from './namespaces.ts';
import { processOf } from './process.ts';
import { resourcesOf } from './resources.ts';
import { mountLabel } from './selinux.ts';

export function buildSpec(input: SpecInput): OciSpec {
  const { policy, host } = input;
  const profile = policy.seccomp === 'strict' ? strictProfile : policy.seccomp;
  const usesLandlock = input.landlockLauncher !== undefined && policy.landlock !== undefined;
  return {
    ociVersion: '1.1.0',
    hostname: policy.hostname,
    root: { path: input.rootDir, readonly: policy.rootReadonly },
    process: processOf(input),
    mounts: mountsOf(input),
    linux: {
      cgroupsPath: input.cgroupPath,
      rootfsPropagation: 'private',
      namespaces: namespacesOf(input),
      uidMappings: idMappings(input.firstId),
      gidMappings: idMappings(input.firstId),
      resources: resourcesOf(policy, host),
      devices: [],
      ...settingsOf(input),
      maskedPaths: policy.maskedPaths,
      readonlyPaths: policy.readonlyPaths,
      seccomp: compileSeccomp(profile, { arch: host.arch, landlock: usesLandlock }),
      ...mountLabel(input),
    },
  };
}

/**
 * Settings of the sandbox's own network. They limit connections that its program has not accepted, because no group is
 * charged for their memory (Documentation/networking/ip-sysctl.rst): each starts with a small buffer, which grows as
 * the program reads. No group is charged for entries in TIME_WAIT either. runc is left out because it writes settings
 * after it has hidden them, and sandboxes with egress rules because their network is made before.
 */
function settingsOf({ runtime, network }: SpecInput): Pick<OciSpec['linux'], 'sysctl'> {
  if (runtime.name !== 'crun' || network !== undefined) return {};
  return {
    sysctl: {
      'net.ipv4.tcp_rmem': '4096 32768 6291456',
      'net.ipv4.tcp_max_tw_buckets': '4096',
    },
  };
}
