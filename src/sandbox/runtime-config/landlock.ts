/**
 * Landlock has no field in the OCI configuration. So `setpriv` of the image's own util-linux (2.41 or later) applies it
 * to itself and then becomes the program: no process of Ward stays inside. `setpriv` knows no network rules and scopes;
 * the network namespace and seccomp cover those.
 */
import type { LandlockRule } from '../policy.ts';
import type { SpecInput } from './input.ts';

/** Path of the launcher in an image. */
export const launcherPath = '/usr/bin/setpriv';

/** setpriv's names for the kernel's rights (landlock(7)). */
const rights: Readonly<Record<LandlockRule['access'], string>> = {
  read: 'execute,read-file,read-dir',
  device: 'write-file',
  write:
    'write-file,read-file,read-dir,truncate,refer,remove-dir,remove-file,make-dir,make-reg,make-sock,make-fifo,make-sym',
};

/** The first arguments of the command, or nothing when Landlock isn't applied. */
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
