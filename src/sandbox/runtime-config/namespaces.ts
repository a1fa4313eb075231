/** Namespaces and the id range of a sandbox. */

import type { OciIdMapping } from '../oci-config.ts';
import type { SpecInput } from './input.ts';

/** Ids in a sandbox's range: all that a program may expect to exist. */
export const idRangeSize = 65536;

/**
 * One of each kind. The time namespace only where the runtime makes it itself (else a wrapper has). The network
 * namespace of a sandbox that may reach something is made before, so that its rules hold when the program starts.
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

/** Container ids from 0 up → a range of the host that belongs to this sandbox alone. */
export function idMappings(firstId: number): OciIdMapping[] {
  return [{ containerID: 0, hostID: firstId, size: idRangeSize }];
}
