/**
 * Why an activation is not taken by a warm sandbox: what is known of its group, and of the groups that are no more.
 * Only the latest of those are remembered; of the others a call counts as the first.
 */

import type { StartReason } from '../../dispatch/index.ts';
import type { Group, LastEnd } from './group.ts';

export interface Pasts {
  get(key: string): LastEnd | undefined;
  set(key: string, past: LastEnd): void;
}

export function createPasts(mostRemembered = 10_000): Pasts {
  const pasts = new Map<string, LastEnd>();
  return {
    get: (key) => pasts.get(key),
    set(key, past) {
      // To the end, because the first are forgotten first.
      pasts.delete(key);
      pasts.set(key, past);
      if (pasts.size <= mostRemembered) return;
      for (const oldest of pasts.keys()) {
        pasts.delete(oldest);
        return;
      }
    },
  };
}

export function startReason(group: Group): StartReason {
  if (group.isFresh) return 'a fresh sandbox is asked for';
  if (group.slots.length + group.starting > 0) return 'all its sandboxes were busy';
  if (group.past === 'failed') return 'its last sandbox failed';
  return group.past === 'given up'
    ? 'its idle sandboxes were ended (keep-alive, or memory was short)'
    : 'first call of this revision';
}
