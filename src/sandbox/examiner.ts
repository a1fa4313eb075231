/** Violations of one sandbox that nobody announces: the kernel counts them, or its end tells of them. */
import { formatSize } from '../lib/index.ts';
import type { Cgroup } from './cgroup/types.ts';
import type { SandboxPolicy } from './policy.ts';
import type { SandboxExit } from './types.ts';
import { type Violation, violation } from './violations.ts';

export interface Examiner {
  /** Reports what is new since it was asked last. */
  examine(): void;
  /** The last time, when the sandbox has ended and its group is still there. */
  end(exit: SandboxExit): void;
}

export interface Examined {
  readonly cgroup: Pick<Cgroup, 'refusals'>;
  readonly policy: Pick<SandboxPolicy, 'memoryBytes' | 'pidsLimit'>;
  /** Asks whoever reads the kernel's log to tell what is new there. */
  readonly hearKernel?: (() => void) | undefined;
  readonly onViolation: (violation: Violation) => void;
}

export function createExaminer({ cgroup, policy, hearKernel, onViolation }: Examined): Examiner {
  const { oomKills, forks } = cgroup.refusals();
  const seen = { oomKills: 0, forks: 0 };
  const examine = () => {
    hearKernel?.();
    const [kills, refusals] = [oomKills.read(), forks.read()];
    if (kills > seen.oomKills) {
      onViolation(violation('oom', `out of memory at ${formatSize(policy.memoryBytes)}`));
    }
    if (refusals > seen.forks) {
      const times = refusals - seen.forks;
      const detail = `no more than ${policy.pidsLimit} processes and threads, asked for more ${times} times`;
      onViolation(violation('pids', detail));
    }
    seen.oomKills = kills;
    seen.forks = refusals;
  };
  return {
    examine,
    end({ seccompKill }) {
      examine();
      oomKills[Symbol.dispose]();
      forks[Symbol.dispose]();
      if (seccompKill) onViolation(violation('seccomp', 'ended for a system call that its policy kills for'));
    },
  };
}
