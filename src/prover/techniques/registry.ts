/** Every technique of the suite, in the order of the report. */
import type { Technique } from '../types.ts';
import { apiTechniques } from './api-port.ts';
import { deviceTechniques } from './filesystem-devices.ts';
import { imageTechniques } from './filesystem-images.ts';
import { pathTechniques } from './filesystem-paths.ts';
import { procTechniques } from './filesystem-proc.ts';
import { programTechniques } from './filesystem-programs.ts';
import { runtimeTechniques } from './filesystem-runtime.ts';
import { selfTechniques } from './filesystem-self.ts';
import { sysTechniques } from './filesystem-sys.ts';
import { frameTechniques } from './forged-frames.ts';
import { logTechniques } from './forged-logs.ts';
import { archiveTechniques } from './hostile-archives.ts';
import { abiTechniques } from './kernel-abi.ts';
import { interfaceTechniques } from './kernel-interfaces.ts';
import { machineTechniques } from './kernel-machine.ts';
import { memoryTechniques } from './kernel-memory.ts';
import { mountTechniques } from './kernel-mounts.ts';
import { namespaceTechniques } from './kernel-namespaces.ts';
import { privilegeTechniques } from './kernel-privileges.ts';
import { processTechniques } from './kernel-processes.ts';
import { settingTechniques } from './kernel-settings.ts';
import { socketOptionTechniques } from './kernel-sockets.ts';
import { hostTechniques } from './outside-host.ts';
import { networkTechniques } from './outside-network.ts';
import { socketTechniques } from './outside-sockets.ts';
import { readerWallTechniques } from './reader-walls.ts';
import { freezeTechniques } from './sandbox-freeze.ts';
import { leftoverTechniques } from './sandbox-leftovers.ts';
import { lifeTechniques } from './sandbox-life.ts';
import { serverRequestTechniques } from './server-requests.ts';
import { serverWallTechniques } from './server-walls.ts';
import { fileStarvation } from './starvation-files.ts';
import { memoryStarvation } from './starvation-memory.ts';
import { processStarvation } from './starvation-processes.ts';
import { socketStarvation } from './starvation-sockets.ts';
import { takenInvokerTechniques } from './taken-invoker.ts';
import { tenantTechniques } from './tenants.ts';

export const techniques: readonly Technique[] = [
  ...mountTechniques,
  ...namespaceTechniques,
  ...privilegeTechniques,
  ...processTechniques,
  ...interfaceTechniques,
  ...memoryTechniques,
  ...abiTechniques,
  ...machineTechniques,
  ...socketOptionTechniques,
  ...pathTechniques,
  ...selfTechniques,
  ...procTechniques,
  ...sysTechniques,
  ...deviceTechniques,
  ...programTechniques,
  ...runtimeTechniques,
  ...imageTechniques,
  ...processStarvation,
  ...memoryStarvation,
  ...fileStarvation,
  ...socketStarvation,
  ...tenantTechniques,
  ...socketTechniques,
  ...networkTechniques,
  ...hostTechniques,
  ...frameTechniques,
  ...logTechniques,
  ...lifeTechniques,
  ...leftoverTechniques,
  ...freezeTechniques,
  ...settingTechniques,
  ...apiTechniques,
  ...archiveTechniques,
  ...serverWallTechniques,
  ...readerWallTechniques,
  ...serverRequestTechniques,
  ...takenInvokerTechniques,
];
