/** Limits of one layer, for scanning and unpacking: far above any sensible layer, far below a disk. */
export interface LayerLimits {
  /** As many folders may be in the names: a few long names imply far more folders than there are entries. */
  readonly maxEntries: number;
  readonly maxTotalBytes: number;
  /** For all names together. */
  readonly maxNameBytes: number;
}

export const layerLimits: LayerLimits = {
  maxEntries: 300_000,
  maxTotalBytes: 8 * 1024 ** 3,
  maxNameBytes: 32 * 1024 ** 2,
};
