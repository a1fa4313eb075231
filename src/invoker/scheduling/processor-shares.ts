/**
 * Decides who yields when sandboxes want more processor time than there is. The kernel shares it evenly between the
 * sandboxes of one Ward. A namespace with many busy sandboxes would get most of it, and a call of another namespace
 * would wait for the end of a time slice again and again. So a namespace that has recently used more than its share
 * stands back: its sandboxes run only when no other wants to, and yield at once. It still gets all spare time, and is
 * an equal again as soon as it has no more than its share. No namespace starves, because a starving one uses less
 * than its share.
 */
import type { Runner } from '../runner/runner.ts';

export type Worker = Pick<Runner, 'cpuUsec' | 'standBack'>;

export interface ProcessorShares {
  /**
   * Counts a sandbox for a namespace, until the returned function is called.
   * @param isNew its use so far was for the namespace, too
   */
  join(namespace: string, worker: Worker, isNew: boolean): () => void;
  /** Must be called regularly. @param now a monotonic clock, in milliseconds */
  update(now: number): void;
}

/** Use is averaged over this time, so that a short burst does not count. */
const memoryMs = 250;
/** Fraction of a share; measurements are never exact. */
const tolerance = 0.9;
/** In processors. A namespace that uses less does not count, and never has to stand back. */
const negligible = 0.05;

interface Member {
  readonly worker: Worker;
  seenUsec: number;
}

interface Account {
  readonly members: Set<Member>;
  /** Used since the last update. */
  usedUsec: number;
  /** Average use, in processors. */
  rate: number;
  standsBack: boolean;
}

export function createProcessorShares(): ProcessorShares {
  const accounts = new Map<string, Account>();
  let updatedAt: number | undefined;

  const charge = (account: Account, member: Member): void => {
    const usec = member.worker.cpuUsec();
    // Its cgroup may be gone, and then reports no use.
    account.usedUsec += Math.max(0, usec - member.seenUsec);
    member.seenUsec = Math.max(usec, member.seenUsec);
  };
  return {
    join(namespace, worker, isNew) {
      const account = accounts.get(namespace) ?? {
        members: new Set<Member>(),
        usedUsec: 0,
        rate: 0,
        standsBack: false,
      };
      accounts.set(namespace, account);
      const member = { worker, seenUsec: isNew ? 0 : worker.cpuUsec() };
      account.members.add(member);
      if (account.standsBack) worker.standBack(true);
      return () => {
        if (!account.members.delete(member)) return;
        try {
          charge(account, member);
        } catch {
          // Without a free descriptor the last use cannot be read and is lost: its slot must end all the same.
        }
      };
    },
    update(now) {
      const elapsedMs = now - (updatedAt ?? now);
      updatedAt = now;
      if (elapsedMs <= 0) return;
      const fresh = 1 - Math.exp(-elapsedMs / memoryMs);
      for (const [namespace, account] of accounts) {
        for (const member of account.members) charge(account, member);
        account.rate += (account.usedUsec / 1000 / elapsedMs - account.rate) * fresh;
        account.usedUsec = 0;
        if (account.members.size === 0 && account.rate < negligible) accounts.delete(namespace);
      }
      const share = shareOf(accounts.values());
      for (const account of accounts.values()) {
        judge(account, account.rate >= negligible && account.rate > share * tolerance);
      }
    },
  };
}

/**
 * A namespace's share of what all sandboxes get together, which is less than the host has when other programs run,
 * too. At most half of it: another namespace may always come, and standing back costs nothing without competition.
 */
function shareOf(accounts: Iterable<Account>): number {
  let [total, active] = [0, 0];
  for (const { rate } of accounts) {
    total += rate;
    if (rate >= negligible) active++;
  }
  return total / Math.max(2, active);
}

function judge(account: Account, standsBack: boolean): void {
  if (account.standsBack === standsBack) return;
  account.standsBack = standsBack;
  for (const { worker } of account.members) worker.standBack(standsBack);
}
