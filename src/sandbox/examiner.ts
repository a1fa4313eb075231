/**
 * Finds violations of one sandbox that nothing announces: the kernel only counts them, or the sandbox's end shows them.
 */
import { formatSize } from '../lib/index.ts';
import type { RefusalCounters } from './cgroup/types.ts';
import type { SandboxPolicy } from './policy.ts';
import type { SandboxExit, SandboxUsage } from './types.ts';
import { type Violation, violation } from './violations.ts';

interface Examiner {
  /** Reports violations since the last call. */
  examine(): void;
  /** Reports the last violations when the sandbox has ended. */
  end(exit: SandboxExit, usage: Pick<SandboxUsage, 'oomKills' | 'refusedForks'>): void;
}

interface Examined {
  readonly refusals: RefusalCounters;
  readonly policy: Pick<SandboxPolicy, 'memoryBytes' | 'pidsLimit'>;
  readonly onViolation: (violation: Violation) => void;
}

export function createExaminer({ refusals: { oomKills, forks }, policy, onViolation }: Examined): Examiner {
  const seen = { oomKills: 0, forks: 0 };
  const tell = (kills: number, refusals: number) => {
    if (kills > seen.oomKills) {
      onViolation(violation('oom', `out of memory at ${formatSize(policy.memoryBytes)}`));
    }
    if (refusals > seen.forks) {
      const times = refusals - seen.forks;
      const detail = `limited to ${policy.pidsLimit} processes and threads, and asked for more ${times} times`;
      onViolation(violation('pids', detail));
    }
    seen.oomKills = kills;
    seen.forks = refusals;
  };
  return {
    examine: () => tell(oomKills.read(), forks.read()),
    end({ seccompKill }, usage) {
      tell(usage.oomKills, usage.refusedForks);
      oomKills[Symbol.dispose]();
      forks[Symbol.dispose]();
      if (seccompKill) onViolation(violation('seccomp', 'killed for a system call that its policy forbids'));
    },
  };
}
