/**
 * Reads layers while others are still being pushed, so that the manifest need not wait for all of them. Only the
 * manifest tells which blobs are layers, but the first bytes of a blob rule out most others. It reads one layer at a
 * time, since a push that is being judged goes first; when too many wait, the scan of their image reads them.
 */
import type { Digest } from '../../blobs/index.ts';
import type { RegistryStore } from '../../content/index.ts';
import type { Scanner } from '../../scanner/index.ts';

export interface LayerReadingOptions {
  readonly scanner: Pick<Scanner, 'prepare' | 'scanLayer'>;
  readonly store: Pick<RegistryStore, 'openBlob' | 'localBlob'>;
}

export interface LayerReading {
  /** Announces that a layer will arrive. Never throws, never waits. */
  prepare(): void;
  /** Never throws, never waits. */
  begin(digest: Digest): void;
  /** Stops, and waits until it has stopped. */
  end(): Promise<void>;
}

const mostWaiting = 200;

export function createLayerReading({ scanner, store }: LayerReadingOptions): LayerReading {
  const waiting = new Set<Digest>();
  const ending = new AbortController();
  let working: Promise<void> | undefined;

  const work = async (): Promise<void> => {
    for (const digest of waiting) {
      waiting.delete(digest);
      const open = () => store.openBlob(digest);
      // The registry has verified the digest already.
      const layer = { digest, open, localFile: () => store.localBlob(digest), isVerified: true } as const;
      // A push of a manifest with this layer will report the error.
      await scanner.scanLayer(layer, { signal: ending.signal }).catch(() => {});
      if (ending.signal.aborted) return;
    }
  };
  return {
    prepare() {
      if (ending.signal.aborted || working !== undefined) return;
      // The scan will report the error.
      scanner.prepare().catch(() => {});
    },
    begin(digest) {
      if (ending.signal.aborted || waiting.size >= mostWaiting) return;
      waiting.add(digest);
      working ??= work().finally(() => {
        working = undefined;
      });
    },
    async end() {
      ending.abort();
      await working;
    },
  };
}
