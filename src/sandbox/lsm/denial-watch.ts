/**
 * Finds the sandbox that a denial of an LSM belongs to. A label of SELinux has a pair of categories for each sandbox.
 * All sandboxes of one policy share a profile of AppArmor, but a line about a file has a user id, which belongs to one
 * sandbox. Other lines (about the network, capabilities, signals) count for a sandbox only when it is the only one
 * under its profile. Process ids don't help: the log has the host's, and Ward is in a pid namespace of its own.
 */
import type { HostFeatures } from '../host/features.ts';
import { type Violation, violation } from '../violations.ts';
import { type Denial, parseDenial } from './denials.ts';
import { type KernelLog, openKernelLog } from './kernel-log.ts';

export interface Confined {
  readonly profile: string | undefined;
  readonly label: string | undefined;
  /** The first of its ids on the host. */
  readonly firstId: number;
  readonly idCount: number;
  readonly onViolation: (violation: Violation) => void;
}

export interface DenialWatch extends Disposable {
  /** Watches a sandbox until the result is disposed of. */
  add(sandbox: Confined): Disposable;
  /** Reports new denials. Cheap when there are none. */
  look(): void;
}

/** The whole machine shares the kernel's log, so a flood in it is read in small parts. */
const mostAtOnce = 200;
const everyMs = 500;

/** Undefined where no LSM is active, or where an audit daemon or the host's settings hide the log. */
export function openDenialWatch({ lsm }: HostFeatures): DenialWatch | undefined {
  if (lsm.apparmorProfiles === undefined && lsm.selinux !== 'enforcing') return undefined;
  const log = openKernelLog();
  return log === undefined ? undefined : watchDenials(log);
}

export function watchDenials(log: KernelLog): DenialWatch {
  const sandboxes = new Set<Confined>();
  const look = () => {
    for (const line of log.read(mostAtOnce)) {
      const denial = parseDenial(line);
      if (denial === undefined) continue;
      culpritOf(denial, [...sandboxes])?.onViolation(violation('lsm', denial.detail));
    }
  };
  // Often enough that the kernel does not overwrite the log before Ward reads it.
  const timer = setInterval(look, everyMs).unref();
  return {
    add(sandbox) {
      sandboxes.add(sandbox);
      return { [Symbol.dispose]: () => void sandboxes.delete(sandbox) };
    },
    look,
    [Symbol.dispose]() {
      clearInterval(timer);
      log[Symbol.dispose]();
    },
  };
}

function culpritOf({ label, profile, uid }: Denial, sandboxes: readonly Confined[]): Confined | undefined {
  if (label !== undefined) return only(sandboxes.filter((each) => each.label === label));
  const under = sandboxes.filter((each) => each.profile === profile);
  if (uid === undefined) return only(under);
  return under.find(({ firstId, idCount }) => uid >= firstId && uid < firstId + idCount);
}

function only(sandboxes: readonly Confined[]): Confined | undefined {
  return sandboxes.length === 1 ? sandboxes[0] : undefined;
}
