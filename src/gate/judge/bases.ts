/** On which known bases an image stands: those whose layers are its lowest. */
import type { Digest } from '../../blobs/index.ts';
import type { Layer } from '../../scanner/index.ts';
import type { Signer } from '../trust/signer.ts';

export interface KnownBase {
  readonly name: string;
  /** Of its manifest. */
  readonly digest: Digest;
  /** Its layers, lowest first. */
  readonly diffIds: readonly Digest[];
  /** One of Ward's own images. */
  readonly builtByWard: boolean;
  /** Those whose signatures of it hold. */
  readonly signedBy: readonly Signer[];
}

/** A base without layers is no base: everything would stand on it. */
export function standsOn(layers: readonly Layer[], known: readonly KnownBase[]): readonly KnownBase[] {
  return known.filter(
    ({ diffIds }) =>
      diffIds.length > 0 &&
      diffIds.length <= layers.length &&
      diffIds.every((diffId, index) => layers[index]?.diffId === diffId),
  );
}
