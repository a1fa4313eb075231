/** Namespaces and the id range of a sandbox. */

import type { OciIdMapping } from '../oci-config.ts';
import type { SpecInput } from './input.ts';

/** Number of ids in a sandbox's range: as many as programs expect. */
export const idRangeSize = 65536;

/**
 * One namespace of each kind. The runtime makes the time namespace only if it can; otherwise a wrapper has made it. The
 * network namespace of a sandbox with egress rules exists before, so that the rules are in force when the program
 * starts.
 */
export function namespacesOf(
  input: Pick<SpecInput, 'host' | 'runtime' | 'network'>,
): { type: string; path?: string }[] {
  const kinds = ['pid', 'network', 'ipc', 'uts', 'mount', 'user', 'cgroup'];
  if (input.host.namespaces.has('time') && input.runtime.timeNamespace) kinds.push('time');
  const { network } = input;
  return kinds.map((type) => ({
    type,
    ...(type === 'network' && network !== undefined ? { path: network.namespace } : {}),
  }));
}

/** Maps container ids from 0 up to a range of the host that belongs to this sandbox alone. */
export function idMappings(firstId: number): OciIdMapping[] {
  return [{ containerID: 0, hostID: firstId, size: idRangeSize }];
}
