/**
 * Whose a denial of an LSM is. SELinux's labels have a pair of categories for each sandbox. AppArmor's profile is that of
 * all sandboxes of one policy; a line about a file has a user id, which belongs to one sandbox alone. Of other lines (the
 * network, capabilities, signals) the only sandbox under the profile is taken; of several it is none. Process ids are no
 * help: the log has the host's, and Ward lives in a pid namespace of its own.
 */
import type { HostFeatures } from '../host/features.ts';
import { type Violation, violation } from '../violations.ts';
import { type Denial, parseDenial } from './denials.ts';
import { type KernelLog, openKernelLog } from './kernel-log.ts';

export interface Confined {
  readonly profile: string | undefined;
  readonly label: string | undefined;
  /** Its ids outside. */
  readonly firstId: number;
  readonly idCount: number;
  readonly onViolation: (violation: Violation) => void;
}

export interface DenialWatch extends Disposable {
  /** Until disposed of. */
  add(sandbox: Confined): Disposable;
  /** Tells what is new. Cheap when there is nothing. */
  look(): void;
}

/** The kernel's log is shared by everybody: a flood in it is read bit by bit. */
const mostAtOnce = 200;
const everyMs = 500;

/** Undefined where no LSM refuses anything, or where an audit daemon or the host's settings keep the log away. */
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
  // So that the log is not overwritten before it is read.
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
