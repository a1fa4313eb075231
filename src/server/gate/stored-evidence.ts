/** Evidence about images apart from their content, for commands that read a data folder. */

import { openRegistryReader } from '../../content/index.ts';
import { type EvidenceSources, readVexFolder } from '../../gate/index.ts';
import type { Log } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { dataPaths } from '../instance/instance.ts';
import { createEvidence } from './evidence.ts';
import type { BasesRegistry } from './pushed-bases.ts';

/** @throws Fault IMAGE_STORE_INVALID, and Faults of the store room */
export async function openStoredEvidence(
  { dataDir, imagesDir }: { readonly dataDir: string; readonly imagesDir: string },
  log: Log,
): Promise<EvidenceSources & AsyncDisposable> {
  const registry = await openRegistryReader(dataPaths(dataDir).registry);
  const vex = await readVexFolder(gatePaths(dataDir).vex);
  return {
    ...createEvidence({ imagesDir, registry: registry ?? nothingPushed, log }),
    vex: async () => vex,
    log,
    [Symbol.asyncDispose]: async () => registry?.[Symbol.asyncDispose](),
  };
}

const missing = async (): Promise<never> => {
  throw serverFault('IMAGE_NOT_PUSHED', 'nothing was pushed yet');
};

const nothingPushed: BasesRegistry = {
  listCompanions: async () => [],
  listIndexes: async () => [],
  listSubjects: async () => [],
  readManifest: missing,
  openBlob: missing,
  readImage: missing,
};
