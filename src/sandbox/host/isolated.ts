/** Tells whether this process is in Ward's own namespaces (`src/sandbox/isolation/`). */
import { readlinkSync } from 'node:fs';

/** `src/sandbox/isolation/enter.sh` sets it. */
const marker = 'WARD_MOUNT_NAMESPACE';

/**
 * Returns true inside the namespaces that `enterIsolation` made. The environment variable alone proves nothing: it must
 * name the mount namespace that this process is really in.
 */
export function isIsolated(): boolean {
  const claimed = process.env[marker];
  return claimed !== undefined && claimed === readlinkSync('/proc/self/ns/mnt');
}
