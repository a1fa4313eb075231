/** What one layer may hold: far more than any sensible one, far less than a disk. The same for who scans and who lays it. */
export interface LayerLimits {
  readonly maxEntries: number;
  readonly maxTotalBytes: number;
  /** Of all names taken together. */
  readonly maxNameBytes: number;
}

export const layerLimits: LayerLimits = {
  maxEntries: 300_000,
  maxTotalBytes: 8 * 1024 ** 3,
  maxNameBytes: 32 * 1024 ** 2,
};
