/** The contract with the gate, which is asked before code is deployed and before it runs. */
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

/** What runs: the code of an action, or an image. */
export interface Runnable {
  readonly kind: string;
  readonly image: string | undefined;
  readonly digest: Digest;
  /** Owner of the action. The image must be one that this namespace may use. */
  readonly owner: string;
}

export interface GateVerdict {
  /** `absent`: the image is not in the store. An action may name it but cannot run. */
  readonly outcome: 'allow' | 'warn' | 'deny' | 'absent';
  /** One line: what was found, and where to read more. */
  readonly summary: string;
  /** The name of a pushed image with the digest that was judged; its tag can name another image later. */
  readonly image?: string;
}

/** About a call. */
export interface RunVerdict extends Omit<GateVerdict, 'outcome'> {
  /** `unjudged`: the gate can't read what it needs now, but can later. */
  readonly outcome: GateVerdict['outcome'] | 'unjudged';
}

export interface CodeGate {
  /** Scans and judges code. */
  admitCode(
    deployment: Deployment & { readonly kind: string; readonly code: Uint8Array },
  ): Promise<GateVerdict>;
  /** Judges an image of the image store. */
  admitImage(deployment: Deployment & { readonly image: string }): Promise<GateVerdict>;
  /**
   * Judges a call of a namespace. Asked for every call, so it answers at once if the verdict is known; otherwise once
   * it is. Never rejects.
   */
  mayRun(runnable: Runnable, namespace: string): RunVerdict | Promise<RunVerdict>;
}

/** @returns warnings for the author. @throws Fault DEPLOYMENT_REFUSED */
export function requireDeployable({ outcome, summary }: GateVerdict): string | undefined {
  if (outcome === 'deny') throw functionFault('DEPLOYMENT_REFUSED', `The action is refused: ${summary}`);
  return outcome === 'absent' ? `calls of the action will fail: ${summary}` : undefined;
}

/** The time after which a database that was away often answers again. */
const judgedAgainMs = 5000;

/** @throws Fault RUN_REFUSED, RUN_UNJUDGED */
export function requireRunnable({ outcome, summary }: RunVerdict): void {
  if (outcome === 'unjudged')
    throw functionFault('RUN_UNJUDGED', `The action can't run now: ${summary}`, {
      hint: 'Try again.',
      retryAfterMs: judgedAgainMs,
    });
  if (outcome === 'deny') throw functionFault('RUN_REFUSED', `The action must not run any more: ${summary}`);
}
