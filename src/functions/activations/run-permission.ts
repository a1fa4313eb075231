/** Asks the gate before anything of an action runs: a call, or loading its code before a call. */
import { imageUnknown, type JobTarget, type LoadPermission } from '../../dispatch/index.ts';
import { type CodeGate, type RunVerdict, requireRunnable } from '../actions/code-gate.ts';

type Gate = Pick<CodeGate, 'mayRun'> | undefined;
type Image = JobTarget['image'];
type Target = Pick<JobTarget, 'namespace' | 'action' | 'kind' | 'image' | 'code'>;

const allowed: RunVerdict = { outcome: 'allow', summary: '' };

/**
 * Returns the image to start, which is the one that was judged, if there is one. A promise: the gate does not know
 * yet. @throws Fault RUN_REFUSED, RUN_UNJUDGED, IMAGE_UNKNOWN
 */
export function requireRun(gate: Gate, target: Target): Image | Promise<Image> {
  return checked(gate, target, (verdict) => {
    requireRunnable(verdict);
    if (verdict.outcome === 'absent') throw imageUnknown(target.image ?? '');
    return verdict.image ?? target.image;
  });
}

/**
 * Like `requireRun`, for a call that will run later: a missing image is reported only then. @throws Fault RUN_REFUSED,
 * RUN_UNJUDGED
 */
export function requireAcceptable(gate: Gate, target: Target): void | Promise<void> {
  return checked(gate, target, requireRunnable);
}

function checked<T>(gate: Gate, target: Target, check: (verdict: RunVerdict) => T): T | Promise<T> {
  const verdict = verdictOf(gate, target);
  return verdict instanceof Promise ? verdict.then(check) : check(verdict);
}

/** Whether its code may be loaded before a call. */
export function loadPermission(gate: Gate, target: Target): LoadPermission {
  const verdict = verdictOf(gate, target);
  if (verdict instanceof Promise || verdict.outcome === 'unjudged') return 'unknown';
  return verdict.outcome === 'deny' || verdict.outcome === 'absent' ? 'denied' : 'allowed';
}

function verdictOf(gate: Gate, target: Target): RunVerdict | Promise<RunVerdict> {
  if (gate === undefined) return allowed;
  const { kind, image, code, namespace, action } = target;
  // The verdict on code is the same for all owners; an image must be one that the owner of the action may use.
  const owner = image === undefined ? namespace : action.slice(1, action.indexOf('/', 1));
  return gate.mayRun({ kind, image, digest: code.digest, owner }, namespace);
}
