/** Ends a sandbox and finds out why it ended. The kernel's evidence takes precedence over what Ward saw. */
import { withTimeout } from '../../lib/index.ts';
import type { Sandbox, SandboxExit } from '../../sandbox/index.ts';
import type { Failure } from './runner.ts';

/** How long to wait for evidence of the end once the other side is silent. */
const exitGraceMs = 500;

/**
 * Settles when nothing of it is left, or when the removal failed; then its creator reports that and retries. Never
 * rejects: a disk that accepts no writes must not end the server.
 */
export async function endSandbox(sandbox: Sandbox, reason: Failure): Promise<Failure> {
  const soon = () => withTimeout(sandbox.exited, exitGraceMs, () => undefined);
  const early = reason === 'channel-closed' ? await soon() : undefined;
  const isGone = early !== undefined || (await tryDestroy(sandbox));
  const exit = early ?? (await (isGone ? sandbox.exited : soon()));
  await tryDestroy(sandbox);
  return exit === undefined ? reason : explain(reason, exit);
}

/** Returns whether it succeeded. */
async function tryDestroy(sandbox: Sandbox): Promise<boolean> {
  return sandbox.destroy().then(
    () => true,
    () => false,
  );
}

function explain(reason: Failure, exit: SandboxExit): Failure {
  if (isOurs(reason)) return reason;
  if (exit.outOfMemory) return 'out-of-memory';
  if (exit.seccompKill) return 'forbidden-call';
  if (reason === 'channel-closed' && !exit.killed) return 'exited';
  return reason;
}

/** True if the host decided to end it, even if the sandbox ended by itself in the meantime. */
function isOurs(reason: Failure): boolean {
  return reason === 'timeout' || reason === 'ended' || reason === 'cancelled';
}
