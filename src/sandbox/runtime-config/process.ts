/** The process that a sandbox runs: its ids, rights and limits. */

import type { OciCapabilities, OciProcess } from '../oci-config.ts';
import { rlimitsOf, type SandboxPolicy } from '../policy.ts';
import type { SpecInput } from './input.ts';
import { landlockPrefix } from './landlock.ts';
import { processLabel } from './selinux.ts';

export function processOf(input: SpecInput): OciProcess {
  const { policy, host } = input;
  return {
    terminal: false,
    user: { uid: policy.uid, gid: policy.gid, umask: 0o077 },
    cwd: input.cwd,
    args: [...landlockPrefix(input), ...input.args],
    env: Object.entries(input.env).map(([name, value]) => `${name}=${value}`),
    capabilities: capabilitySets(policy),
    noNewPrivileges: policy.noNewPrivileges,
    oomScoreAdj: policy.oomScoreAdj,
    rlimits: Object.entries(rlimitsOf(policy)).map(([type, limit]) => ({ type, soft: limit, hard: limit })),
    ...apparmorField(policy, host),
    ...processLabel(input),
  };
}

/** `auto` has been replaced by the name of a loaded profile, unless Ward is only probing the runtime. */
function apparmorField(
  { apparmorProfile }: SandboxPolicy,
  { lsm }: SpecInput['host'],
): { apparmorProfile?: string } {
  const isSet = apparmorProfile !== undefined && apparmorProfile !== 'auto';
  return isSet && lsm.apparmorProfiles !== undefined ? { apparmorProfile } : {};
}

/** The same capabilities in all five sets, so that a granted one also survives `execve` by a plain user. */
function capabilitySets({ capabilities }: SandboxPolicy): OciCapabilities {
  return {
    bounding: capabilities,
    effective: capabilities,
    inheritable: capabilities,
    permitted: capabilities,
    ambient: capabilities,
  };
}
