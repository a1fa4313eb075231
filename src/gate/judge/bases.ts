/** Finds the known bases that an image stands on: those whose layers are its lowest. */
import type { Digest } from '../../blobs/index.ts';
import type { Layer } from '../../scanner/index.ts';
import type { Signer } from '../trust/signer.ts';

export interface KnownBase {
  readonly name: string;
  /** Digest of its manifest. */
  readonly digest: Digest;
  /** Its layers, lowest first. */
  readonly diffIds: readonly Digest[];
  /** Whether it is one of Ward's own images. */
  readonly builtByWard: boolean;
  /** Signers with a valid signature of it. */
  readonly signedBy: readonly Signer[];
}

/** Ignores a base without layers: every image would stand on it. */
export function standsOn(layers: readonly Layer[], known: readonly KnownBase[]): readonly KnownBase[] {
  return known.filter(
    ({ diffIds }) =>
      diffIds.length > 0 &&
      diffIds.length <= layers.length &&
      diffIds.every((diffId, index) => layers[index]?.diffId === diffId),
  );
}
