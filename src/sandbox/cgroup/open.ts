/** Chooses the control group implementation for a host. */
import { sandboxFault } from '../faults.ts';
import type { CgroupFeatures, CgroupTree } from './types.ts';
import { cgroupTreeV1 } from './v1.ts';
import { cgroupTreeV2 } from './v2.ts';

/** @param instance Lower-case letters, digits and dashes; it becomes a folder name. */
export function openCgroupTree(features: CgroupFeatures, instance: string): CgroupTree {
  if (features.version === 1) return cgroupTreeV1(features.controllers, instance);
  const [mount] = features.controllers.values();
  if (mount === undefined) throw sandboxFault('HOST_UNFIT', 'the cgroup hierarchy has no controllers');
  return cgroupTreeV2(mount, instance);
}
