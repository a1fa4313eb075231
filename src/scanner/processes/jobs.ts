/** What can be read, and what is said between the process that asks and the one that reads. */
import type { Digest } from '../../images/index.ts';
import type { Failure } from '../../lib/index.ts';
import type { InspectedConfig } from '../config.ts';
import type { LayerAnalysis } from '../layers/analysis.ts';
import type { Finding, ImageLayer, Inventory, ScannedConfig } from '../types.ts';

/** A layer, wherever its bytes are. */
export type SourceLayer = Omit<ImageLayer, 'diffId' | 'mediaType'>;

export interface Read {
  readonly inventory: Inventory;
  readonly findings: readonly Finding[];
}

/** Reads what is to be scanned, here or in other processes. */
export interface Analyst extends AsyncDisposable {
  /** Changes when it would say something else of the same bytes. @throws Fault SCAN_FAILED */
  revision(): Promise<string>;
  /** @throws as `readLayer` does; Fault SCAN_TIMED_OUT, SCAN_FAILED */
  layer(layer: SourceLayer, signal: AbortSignal): Promise<LayerAnalysis>;
  /** @throws as `readFolder` does; Fault SCAN_TIMED_OUT, SCAN_FAILED */
  folder(dir: string, signal: AbortSignal): Promise<Read>;
  /** @throws as `readCode` does; Fault SCAN_TIMED_OUT, SCAN_FAILED */
  code(code: Buffer, kind: string, signal: AbortSignal): Promise<Read>;
  /** Of an image. @throws Fault SCAN_TIMED_OUT, SCAN_FAILED */
  config(config: ScannedConfig, signal: AbortSignal): Promise<InspectedConfig>;
}

export type Job =
  | {
      readonly what: 'layer';
      readonly digest: Digest;
      readonly file: string | undefined;
      readonly isVerified: true | undefined;
    }
  | { readonly what: 'folder'; readonly dir: string }
  | { readonly what: 'code'; readonly code: Uint8Array; readonly kind: string }
  | { readonly what: 'config'; readonly config: ScannedConfig };

/** With the number of the job that it is about, so that nothing of one is ever taken for another's. */
export interface About<T> {
  readonly job: number;
  readonly message: T;
}

/** From the process, when it can take jobs. */
export interface Ready {
  readonly revision: string;
}

/** To the process. */
export type ToJob = { readonly say: 'start'; readonly job: Job } | Answer;

/** From the process: what it wants of a layer's bytes, and how the job ended. */
export type FromJob =
  | { readonly say: 'open' | 'more' | 'close' }
  | { readonly say: 'done'; readonly result: unknown }
  | { readonly say: 'failed'; readonly failure: Failure };

/** One for each `open` and `more`. */
export type Answer =
  | { readonly say: 'opened' | 'end' | 'broken' }
  | { readonly say: 'piece'; readonly bytes: Uint8Array };
