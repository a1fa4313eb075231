/** Files of /proc and /sys by which root steers the kernel. */
import { absentOnHost } from './cannot-fail.ts';
import type { Technique } from './types.ts';

export const emulated = 'gVisor’s kernel emulates the file';

/** Opens for writing and closes again: a write would change the host. */
export function steering(
  head: Pick<Technique, 'vector' | 'control' | 'name' | 'title' | 'reference'>,
  paths: readonly string[],
): Technique {
  return {
    ...head,
    expects: ['absent', 'EACCES', 'EROFS', 'EPERM'],
    harmlessInGvisor: emulated,
    cannotFail: absentOnHost(paths),
    program: 'steering',
    parameters: { paths },
  };
}
