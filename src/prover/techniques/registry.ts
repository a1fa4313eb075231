/** Every technique of the suite, in the order in which results are told. */
import type { Technique } from '../types.ts';
import { deviceTechniques } from './filesystem-devices.ts';
import { pathTechniques } from './filesystem-paths.ts';
import { procTechniques } from './filesystem-proc.ts';
import { programTechniques } from './filesystem-programs.ts';
import { selfTechniques } from './filesystem-self.ts';
import { sysTechniques } from './filesystem-sys.ts';
import { abiTechniques } from './kernel-abi.ts';
import { interfaceTechniques } from './kernel-interfaces.ts';
import { machineTechniques } from './kernel-machine.ts';
import { memoryTechniques } from './kernel-memory.ts';
import { mountTechniques } from './kernel-mounts.ts';
import { namespaceTechniques } from './kernel-namespaces.ts';
import { privilegeTechniques } from './kernel-privileges.ts';
import { processTechniques } from './kernel-processes.ts';
import { starvation } from './starvation.ts';

export const techniques: readonly Technique[] = [
  ...mountTechniques,
  ...namespaceTechniques,
  ...privilegeTechniques,
  ...processTechniques,
  ...interfaceTechniques,
  ...memoryTechniques,
  ...abiTechniques,
  ...machineTechniques,
  ...pathTechniques,
  ...selfTechniques,
  ...procTechniques,
  ...sysTechniques,
  ...deviceTechniques,
  ...programTechniques,
  ...starvation,
];
