/**
 * Who stands back when sandboxes want more processor time than there is. Between the sandboxes of one Ward the kernel
 * shares it evenly, so a namespace with many busy ones would have most of it, and a call of another would wait for the
 * end of somebody's time slice again and again. So a namespace that has lately used more than its share stands back: its
 * sandboxes run when no other wants to, and make way at once. It loses nothing that is left over, and as soon as it has
 * no more than its share it is everybody's equal again: nobody is starved, because who starves has less.
 */
import type { Runner } from '../runner/runner.ts';

export type Worker = Pick<Runner, 'cpuUsec' | 'standBack'>;

export interface ProcessorShares {
  /**
   * A sandbox works for a namespace from now on, until what is returned is called.
   * @param isNew what it has used until now was for the namespace, too
   */
  join(namespace: string, worker: Worker, isNew: boolean): () => void;
  /** To be called every now and then. @param now milliseconds of a clock that only goes forward */
  update(now: number): void;
}

/** Use is averaged over this many milliseconds, so that a short burst does not count. */
const memoryMs = 250;
/** Of a share; what is measured is never exact. */
const tolerance = 0.9;
/** Processors. A namespace that uses less does not count, and never has to stand back. */
const negligible = 0.05;

interface Member {
  readonly worker: Worker;
  seenUsec: number;
}

interface Account {
  readonly members: Set<Member>;
  /** Since the last update. */
  usedUsec: number;
  /** Processors that it has been using. */
  rate: number;
  standsBack: boolean;
}

export function createProcessorShares(): ProcessorShares {
  const accounts = new Map<string, Account>();
  let updatedAt: number | undefined;

  const charge = (account: Account, member: Member): void => {
    const usec = member.worker.cpuUsec();
    // Its group may be gone, and then says nothing any more.
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
          // Without a descriptor to read it by, what it used last is forgotten: its slot has to end all the same.
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
 * Of what all sandboxes get together, which is less than the host has when others want some, too. Half of it at most:
 * there is always one more who may come, and standing back costs nothing while nobody does.
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
