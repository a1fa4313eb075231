/** Checks the parts of a manifest: each must be in its repository, and match its descriptor in the manifest. */
import { z } from 'zod';
import type { Digest } from '../blobs/index.ts';
import { isElsewhere } from '../images/index.ts';
import type { RegistryDatabase } from './database.ts';
import { registryStoreFault } from './faults.ts';
import { isManifestType, type ManifestDocument } from './manifest-document.ts';
import type { RepositoryName } from './names.ts';

/** Limit of nested indexes; an image itself has the depth 0. */
const deepest = 4;

export interface Part {
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
  readonly isManifest: boolean;
  /** Undefined: the part is required. */
  readonly mayBeAbsent?: true | undefined;
}

/**
 * Lists each part once, since images can have the same layer twice. @throws Fault MANIFEST_INVALID when two
 * descriptors differ
 */
export function partsOf({ config, layers, manifests }: ManifestDocument): Part[] {
  const parts = new Map<Digest, Part>();
  for (const { digest, size, mediaType } of [...(config ? [config] : []), ...layers, ...manifests]) {
    const isManifest = manifests.length > 0 && isManifestType(mediaType);
    const mayBeAbsent = isElsewhere(mediaType) || undefined;
    const part = { digest, size, mediaType, isManifest, mayBeAbsent };
    const known = parts.get(digest);
    if (known !== undefined && (known.size !== size || known.isManifest !== part.isManifest)) {
      throw registryStoreFault(
        'MANIFEST_INVALID',
        `the manifest names ${digest} twice, with different descriptors`,
      );
    }
    parts.set(digest, part);
  }
  return [...parts.values()];
}

function isManifestPart({ isManifest }: Part): boolean {
  return isManifest;
}

/** A parameter for `listed`. */
export function digestList(parts: readonly Part[]): string {
  return JSON.stringify(parts.map(({ digest }) => digest));
}

const foundRow = z.object({
  digest: z.string(),
  size: z.number(),
  mediaType: z.string().nullable(),
  depth: z.number().nullable(),
});

/**
 * Checks that every part is in the repository and matches its descriptor in the manifest. Returns the manifest's own
 * depth.
 * @throws Fault MANIFEST_PART_UNKNOWN, MANIFEST_INVALID
 */
export async function checkParts(
  db: RegistryDatabase,
  repository: RepositoryName,
  document: ManifestDocument,
): Promise<number> {
  const parts = partsOf(document);
  const [manifests, blobs] = [parts.filter(isManifestPart), parts.filter((part) => !isManifestPart(part))];
  const rows = await db.all(
    foundRow,
    `select digest, size, media_type as "mediaType", depth from manifests
       where repository = ?1 and digest in ${db.words.listed('?2')}
     union all
     select digest, blobs.size, null, null from links join blobs using (digest)
       where repository = ?1 and digest in ${db.words.listed('?3')}`,
    ...[repository, digestList(manifests), digestList(blobs)],
  );
  const found = new Map(rows.map((row) => [row.digest, row]));
  let depth = document.isIndex ? 1 : 0;
  for (const part of parts) {
    const row = found.get(part.digest);
    const what = part.isManifest ? 'manifest' : 'blob';
    if (row === undefined) {
      if (part.mayBeAbsent) continue;
      throw registryStoreFault(
        'MANIFEST_PART_UNKNOWN',
        `${repository} has no ${what} ${part.digest}: push it first`,
      );
    }
    if (row.size !== part.size) {
      throw registryStoreFault(
        'MANIFEST_INVALID',
        `the ${what} ${part.digest} has ${row.size} bytes, not ${part.size} as in the manifest`,
      );
    }
    if (part.isManifest && row.mediaType !== part.mediaType) {
      throw registryStoreFault(
        'MANIFEST_INVALID',
        `the manifest ${part.digest} is of the type ${row.mediaType}`,
      );
    }
    depth = Math.max(depth, (row.depth ?? -1) + 1);
  }
  if (depth <= deepest) return depth;
  throw registryStoreFault('MANIFEST_INVALID', `indexes are nested deeper than ${deepest} levels`);
}
