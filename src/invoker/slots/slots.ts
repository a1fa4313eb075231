/** Makes slots, in the way that the action's kind needs. */

import type { JobTarget } from '../../dispatch/index.ts';
import { createBlackboxSlots } from './blackbox-slots.ts';
import { createRuntimeSlots } from './runtime-slots.ts';
import type { Slot, SlotOptions, SlotPlan } from './slot.ts';

export interface SlotFactory {
  /** @throws Fault KIND_UNKNOWN, IMAGE_UNKNOWN, POLICY_EXCEEDED, TIER_UNAVAILABLE */
  plan(target: JobTarget): SlotPlan;
  /** @throws Fault KIND_UNKNOWN */
  startBlank(kind: string, memoryMiB: number): Promise<Slot>;
  close(): Promise<void>;
}

/** The kind without a runtime: the action's image contains everything. */
const blackbox = 'blackbox';

export function createSlotFactory(options: SlotOptions): SlotFactory {
  const runtimes = createRuntimeSlots(options);
  const images = createBlackboxSlots(options);
  return {
    plan: (target) => (target.kind === blackbox ? images.plan(target) : runtimes.plan(target)),
    startBlank: runtimes.startBlank,
    close: runtimes.close,
  };
}
