/** Ends a sandbox and finds out why it ended: what the kernel says comes before what Ward saw of it. */
import { withTimeout } from '../../lib/index.ts';
import type { Sandbox, SandboxExit } from '../../sandbox/index.ts';
import type { Failure } from './runner.ts';

/** How long the evidence of an end is waited for once the other side has gone silent. */
const exitGraceMs = 500;

/**
 * Settles when nothing of it is left, or could not be taken away: then its maker says so, and tries again. Never rejects: a disk that takes no writes is no reason for a server to end.
 */
export async function endSandbox(sandbox: Sandbox, reason: Failure): Promise<Failure> {
  const soon = () => withTimeout(sandbox.exited, exitGraceMs, () => undefined);
  const early = reason === 'channel-closed' ? await soon() : undefined;
  const isGone = early !== undefined || (await tryDestroy(sandbox));
  const exit = early ?? (await (isGone ? sandbox.exited : soon()));
  await tryDestroy(sandbox);
  return exit === undefined ? reason : explain(reason, exit);
}

/** Whether that worked. */
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

/** The host has decided it, whatever the sandbox did meanwhile. */
function isOurs(reason: Failure): boolean {
  return reason === 'timeout' || reason === 'ended' || reason === 'cancelled';
}
