/** Starts runtimes as children of this process. */
import { once } from 'node:events';
import { startCommand } from '../../lib/index.ts';
import { runtimeProcessOf, type StartRuntime } from './types.ts';

export const startDirectly: StartRuntime = async ({ argv, cwd, env, hasChannel }) => {
  const child = startCommand(argv, {
    cwd,
    env,
    // Never the host's /dev/null: crun would change its owner.
    stdio: hasChannel ? ['pipe', 'pipe', 'pipe', 'pipe'] : ['pipe', 'pipe', 'pipe'],
    // Runtimes hand signals on to the program inside, which has to outlive a ^C until Ward has drained.
    detached: true,
  });
  await once(child, 'spawn');
  return runtimeProcessOf(child, hasChannel);
};
