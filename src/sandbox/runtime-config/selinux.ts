/**
 * SELinux labels. A label without categories gets a pair of the 1024 (multi-category security), so that two sandboxes
 * of one domain can't touch each other's objects. The pair follows from the sandbox's range of ids, which is unique on
 * the machine.
 */
import type { SpecInput } from './input.ts';
import { idRangeSize } from './namespaces.ts';

const categories = 1024;
const firstRange = 2 ** 30;

/** The container label of the reference policy and of policies derived from it. */
export const stockLabel = 'system_u:system_r:container_t:s0';

type LabelInput = Pick<SpecInput, 'policy' | 'host' | 'runtime' | 'firstId'>;

/** Label of the process, where the host has SELinux and the policy names a label. */
export function processLabel(input: LabelInput): { selinuxLabel?: string } {
  const label = labelOf(input);
  return label === undefined ? {} : { selinuxLabel: label };
}

/** Label of the sandbox's own mounts: only its process may use them. */
export function mountLabel(input: LabelInput): { mountLabel?: string } {
  const level = labelOf(input)?.split(':').slice(3).join(':');
  return level === undefined ? {} : { mountLabel: `system_u:object_r:container_file_t:${level}` };
}

/** The n-th pair of different categories: 0 → c0,c1; 1 → c0,c2; … 523775 → c1022,c1023. */
export function categoryPair(index: number): string {
  let low = 0;
  let left = index;
  while (left >= categories - 1 - low) {
    left -= categories - 1 - low;
    low++;
  }
  return `c${low},c${low + 1 + left}`;
}

function labelOf({ policy, host, runtime, firstId }: LabelInput): string | undefined {
  const { selinuxLabel } = policy;
  if (selinuxLabel === undefined || host.lsm.selinux === 'off') return undefined;
  if (selinuxLabel === 'auto' && !runtime.containerLabel) return undefined;
  const label = selinuxLabel === 'auto' ? stockLabel : selinuxLabel;
  if (label.split(':').length > 4) return label;
  return `${label}:${categoryPair((firstId - firstRange) / idRangeSize)}`;
}
