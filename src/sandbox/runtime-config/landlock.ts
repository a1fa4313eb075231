/**
 * Landlock has no field in the OCI configuration, so `setpriv` of the image's own util-linux (2.41 or later)
 * applies it to itself and then becomes the program: no process of Ward stays inside. Network rules and scopes
 * are beyond it; the network namespace and seccomp stand there.
 */
import type { LandlockRule } from '../policy.ts';
import type { SpecInput } from './input.ts';

/** Where the launcher is in an image that has it. */
export const launcherPath = '/usr/bin/setpriv';

/** setpriv's names of the kernel's rights (landlock(7)). */
const rights: Readonly<Record<LandlockRule['access'], string>> = {
  read: 'execute,read-file,read-dir',
  device: 'write-file',
  write:
    'write-file,read-file,read-dir,truncate,refer,remove-dir,remove-file,make-dir,make-reg,make-sock,make-fifo,make-sym',
};

/** The start of the argument vector, or nothing when Landlock isn't applied. */
export function landlockPrefix(input: Pick<SpecInput, 'policy' | 'landlockLauncher'>): string[] {
  const { policy, landlockLauncher } = input;
  if (landlockLauncher === undefined || policy.landlock === undefined) return [];
  const writable = policy.tmpfs.map(({ path }): LandlockRule => ({ access: 'write', path }));
  return [
    landlockLauncher,
    '--landlock-access',
    'fs',
    ...[...policy.landlock, ...writable].flatMap(({ access, path }) => [
      '--landlock-rule',
      `path-beneath:${rights[access]}:${path}`,
    ]),
    '--',
  ];
}
