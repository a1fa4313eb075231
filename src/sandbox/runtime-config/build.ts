/**
 * Policy + request + host → the complete OCI runtime configuration. A pure function, so that a unit test can
 * hold every line of it. What the host lacks is left out here only when the policy doesn't require it
 * (`requirements.ts` has checked that before).
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
 * Of the sandbox's own network, for connections that its program has not accepted, whose memory no group is charged for
 * (Documentation/networking/ip-sysctl.rst): each starts with a small buffer, which grows as the program reads. Entries in
 * TIME_WAIT are not counted either. runc writes settings after it has hidden them, and the network
 * of a sandbox that may reach something is not its own.
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
