/**
 * Reads layers while further ones are being pushed, so that the manifest need not wait for all of them. Which blob is a
 * layer only the manifest will say: what is none is found out within its first bytes. One at a time, for a push that is
 * being judged goes first; when too many wait, the scan of their image reads them.
 */
import type { Digest } from '../../blobs/index.ts';
import type { RegistryStore } from '../../content/index.ts';
import type { Scanner } from '../../scanner/index.ts';

export interface LayerReadingOptions {
  readonly scanner: Pick<Scanner, 'prepare' | 'scanLayer'>;
  readonly store: Pick<RegistryStore, 'openBlob' | 'localBlob'>;
}

export interface LayerReading {
  /** A layer will come. Never throws, never waits. */
  prepare(): void;
  /** Never throws, never waits. */
  begin(digest: Digest): void;
  /** Stops, and waits until it has. */
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
      // The registry has taken the digest of what it was sent.
      const layer = { digest, open, localFile: () => store.localBlob(digest), isVerified: true } as const;
      // What is wrong with it is for whoever pushes a manifest with it.
      await scanner.scanLayer(layer, { signal: ending.signal }).catch(() => {});
      if (ending.signal.aborted) return;
    }
  };
  return {
    prepare() {
      if (ending.signal.aborted || working !== undefined) return;
      // What is wrong is for the scan to say.
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
