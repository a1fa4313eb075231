/** The jobs of scan processes. */
import type { Digest } from '../../blobs/index.ts';
import type { InspectedConfig } from '../config.ts';
import type { LayerAnalysis } from '../layers/analysis.ts';
import type { Finding, ImageLayer, Inventory, ScannedConfig } from '../types.ts';

/** A layer that is to be read. */
export type SourceLayer = Omit<ImageLayer, 'diffId' | 'mediaType'>;

export interface Read {
  readonly inventory: Inventory;
  readonly findings: readonly Finding[];
}

/** Reads what is scanned, in this process or in others. */
export interface Analyst extends AsyncDisposable {
  /** Changes when the same bytes would give another result. @throws Fault SCAN_FAILED */
  revision(): Promise<string>;
  /** @throws as `readLayer` does; Fault SCAN_TIMED_OUT, SCAN_FAILED */
  layer(layer: SourceLayer, signal: AbortSignal): Promise<LayerAnalysis>;
  /** @throws as `readFolder` does; Fault SCAN_TIMED_OUT, SCAN_FAILED */
  folder(dir: string, signal: AbortSignal): Promise<Read>;
  /** @throws as `readCode` does; Fault SCAN_TIMED_OUT, SCAN_FAILED */
  code(code: Buffer, kind: string, signal: AbortSignal): Promise<Read>;
  /** Reads the configuration of an image. @throws Fault SCAN_TIMED_OUT, SCAN_FAILED */
  config(config: ScannedConfig, signal: AbortSignal): Promise<InspectedConfig>;
}

export type ScanJob =
  | {
      readonly what: 'layer';
      readonly digest: Digest;
      readonly file: string | undefined;
      readonly isVerified: true | undefined;
    }
  | { readonly what: 'folder'; readonly dir: string }
  /** The code is in the bytes beside the message. */
  | { readonly what: 'code'; readonly kind: string }
  | { readonly what: 'config'; readonly config: ScannedConfig };
