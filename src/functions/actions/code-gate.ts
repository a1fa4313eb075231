/** Who is asked before code is deployed, and before it is run. */
import type { Digest } from '../../blobs/index.ts';
import { functionFault } from '../faults.ts';

/** A request to deploy code or an image. */
export interface Deployment {
  readonly namespace: string;
  /** Id of the key. */
  readonly actor: string;
  /** `ns/[pkg/]name`. */
  readonly action: string;
}

/** What is run: the code of an action, or an image. */
export interface Runnable {
  readonly kind: string;
  readonly image: string | undefined;
  readonly digest: Digest;
  /** Whose action it is: the image is one that this namespace may use. */
  readonly owner: string;
}

export interface GateVerdict {
  /** `absent`: an image that is not here. It may be named, and can't be run. */
  readonly outcome: 'allow' | 'warn' | 'deny' | 'absent';
  /** One line: what was found, and where more is said of it. */
  readonly summary: string;
}

export interface CodeGate {
  /** Scans and judges code. */
  admitCode(
    deployment: Deployment & { readonly kind: string; readonly code: Uint8Array },
  ): Promise<GateVerdict>;
  /** Judges an image of the image store. */
  admitImage(deployment: Deployment & { readonly image: string }): Promise<GateVerdict>;
  /**
   * For calls of a namespace. At once where it is known, for it is asked for every call; else when it was judged. Never
   * rejects.
   */
  mayRun(runnable: Runnable, namespace: string): GateVerdict | Promise<GateVerdict>;
}

/** @returns warnings for its author. @throws Fault DEPLOYMENT_REFUSED */
export function requireDeployable({ outcome, summary }: GateVerdict): string | undefined {
  if (outcome === 'deny') throw functionFault('DEPLOYMENT_REFUSED', `The action is refused: ${summary}`);
  return outcome === 'absent' ? `calls of the action will fail: ${summary}` : undefined;
}

/** @throws Fault RUN_REFUSED */
export function requireRunnable({ outcome, summary }: GateVerdict): void {
  if (outcome === 'deny') throw functionFault('RUN_REFUSED', `The action may not run any more: ${summary}`);
}
