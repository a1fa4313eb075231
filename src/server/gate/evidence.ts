/** Evidence about images beyond their content: their attachments, and trusted bases. */

import type { Digest } from '../../blobs/index.ts';
import {
  type ArtifactLayer,
  type EvidenceSources,
  type KnownBase,
  type TrustedVex,
  verifyInTurns,
  type WantedBases,
} from '../../gate/index.ts';
import type { Log } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';
import type { Stores } from '../stores/stores.ts';
import { openLaidImages } from './laid-images.ts';
import { type BasesRegistry, openPushedBases } from './pushed-bases.ts';

export interface EvidenceOptions {
  readonly imagesDir: string;
  readonly registry: BasesRegistry;
  readonly log: Log;
}

export interface ImageEvidence {
  /** From the place that has the image: Ward's own store, or the registry. */
  companions(digest: Digest): Promise<readonly ArtifactLayer[]>;
  /** Indexes that list the image and have attachments. */
  indexesOf(digest: Digest): Promise<readonly Digest[]>;
  /** Digests that an index lists; empty when it is not an index. */
  listedBy(digest: Digest): Promise<readonly Digest[]>;
  /** Whether the store or the registry has the image. */
  holds(digest: Digest): Promise<boolean>;
  /** Bases of an image with these layers. */
  bases(wanted: WantedBases, layers: readonly Digest[]): Promise<readonly KnownBase[]>;
}

export function createEvidence({ imagesDir, registry, log }: EvidenceOptions): ImageEvidence {
  const laid = openLaidImages(imagesDir, log);
  const pushed = openPushedBases(registry, log);
  const companions = async (digest: Digest) => [
    ...(await laid.companions(digest)),
    ...(await pushed.companions(digest)),
  ];
  const signersOf = async (digests: readonly Digest[], wanted: WantedBases) => {
    if (!hasSigners(wanted)) return [];
    const checks = digests.map(async (digest) => verifyInTurns(digest, await companions(digest), wanted));
    return (await Promise.all(checks)).flatMap(({ signatures }) => signatures);
  };
  return {
    companions,
    indexesOf: pushed.indexesOf,
    listedBy: pushed.listedBy,
    async holds(digest) {
      const inStore = (await laid.list()).some(({ digests }) => digests.includes(digest));
      return inStore || (await pushed.holds(digest));
    },
    async bases(wanted, layers) {
      const laidBases = (await laid.list())
        .filter(({ diffIds }) => isBelow(diffIds, layers))
        .map(async ({ name, digests, diffIds, isOwn }): Promise<readonly KnownBase[]> => {
          const signedBy = await signersOf(digests, wanted);
          return digests.map((digest) => ({ name, digest, diffIds, builtByWard: isOwn, signedBy }));
        });
      const named = hasSigners(wanted) ? await pushed.companioned() : [];
      const pushedBases = [...new Set([...wanted.digests, ...named])].map(
        async (digest): Promise<readonly KnownBase[]> => {
          const below = (await pushed.layersOf(digest)).filter((each) => isBelow(each, layers));
          if (below.length === 0) return [];
          const signedBy = await signersOf([digest], wanted);
          return below.map((diffIds) => ({ name: digest, digest, diffIds, builtByWard: false, signedBy }));
        },
      );
      return (await Promise.all([...laidBases, ...pushedBases])).flat();
    },
  };
}

/** Opens the evidence of a data folder, for commands. @throws Fault IMAGE_STORE_INVALID, and Faults of the store room */
export async function openStoredEvidence(
  { imagesDir, vex }: { readonly imagesDir: string; readonly vex: TrustedVex },
  stores: Pick<Stores, 'openRegistryReader'>,
  log: Log,
): Promise<EvidenceSources & AsyncDisposable> {
  const registry = await stores.openRegistryReader();
  return {
    ...createEvidence({ imagesDir, registry: registry ?? nothingPushed, log }),
    vex: async () => vex,
    log,
    [Symbol.asyncDispose]: async () => registry?.[Symbol.asyncDispose](),
  };
}

function hasSigners({ keys, roots }: WantedBases): boolean {
  return keys.length + roots.length > 0;
}

/** Whether these are the lowest of the layers. */
function isBelow(diffIds: readonly Digest[], layers: readonly Digest[]): boolean {
  return diffIds.length <= layers.length && diffIds.every((diffId, at) => diffId === layers[at]);
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
