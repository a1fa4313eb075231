/** The key that a command signs with: a file, and the passphrase from the environment. */
import type { KeyFile } from '../../server/index.ts';
import type { Input } from '../input.ts';

/** Not an option: every user of the machine can see a passphrase on the command line. */
export function keyFileOf(input: Input, env: NodeJS.ProcessEnv): KeyFile | undefined {
  const path = input.text('sign');
  return path === undefined ? undefined : { path, passphrase: env['WARD_KEY_PASSPHRASE'] ?? '' };
}
