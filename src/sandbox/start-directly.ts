/** Starts runtimes as children of this process. */
import { once } from 'node:events';
import { startCommand } from '../lib/index.ts';
import {
  type RuntimeProcess,
  type RuntimeStreams,
  runtimeProcessOf,
  type StartRuntime,
} from './runtime-process.ts';

export const startDirectly: StartRuntime<RuntimeProcess & RuntimeStreams> = async ({
  argv,
  cwd,
  env,
  hasChannel,
}) => {
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
