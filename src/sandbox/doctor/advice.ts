/** Settings of the host kernel that limit what an escaped program could do. Ward never changes them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostAdvice } from './types.ts';

interface Recommendation {
  readonly setting: string;
  readonly recommended: string;
  readonly isGood: (value: string) => boolean;
  readonly why: string;
}

const atLeast = (least: number) => (value: string) => Number(value) >= least;

const recommendations: readonly Recommendation[] = [
  {
    setting: 'kernel.unprivileged_bpf_disabled',
    recommended: '2',
    isGood: atLeast(1),
    why: 'BPF programs of unprivileged users have often been a way into the kernel',
  },
  {
    setting: 'kernel.perf_event_paranoid',
    recommended: '3',
    isGood: atLeast(2),
    why: 'performance counters reveal what other processes do',
  },
  {
    setting: 'kernel.kptr_restrict',
    recommended: '2',
    isGood: atLeast(1),
    why: 'kernel addresses help exploits',
  },
  {
    setting: 'kernel.dmesg_restrict',
    recommended: '1',
    isGood: atLeast(1),
    why: 'the kernel log reveals addresses and what other processes do',
  },
  {
    setting: 'kernel.io_uring_disabled',
    recommended: '2',
    isGood: atLeast(1),
    why: 'io_uring bypasses seccomp; sandboxes never get it, and the host seldom needs it',
  },
  {
    setting: 'vm.unprivileged_userfaultfd',
    recommended: '0',
    isGood: (value) => value === '0',
    why: 'userfaultfd helps programs win races in the kernel',
  },
  {
    setting: 'kernel.core_pattern',
    recommended: 'core',
    isGood: (value) => !value.startsWith('|'),
    why: 'a crash inside a sandbox starts this program as root on the host',
  },
];

/** Lists settings that differ from the recommendation. A setting that the kernel doesn't have is fine. */
export function hostAdvice(sysctlDir = '/proc/sys'): readonly HostAdvice[] {
  return recommendations.flatMap(({ setting, recommended, isGood, why }) => {
    const value = readSetting(join(sysctlDir, setting.replaceAll('.', '/')));
    return value === undefined || isGood(value) ? [] : [{ setting, value, recommended, why }];
  });
}

function readSetting(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
