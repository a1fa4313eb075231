/** Notes at each full hour what every namespace holds on disk, for bills. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Log, messageOf } from '../../lib/index.ts';
import type { Store } from '../../store/index.ts';

export interface StoredSamplesOptions {
  readonly store: Pick<Store, 'namespaces' | 'usage'>;
  /** Bytes of the images that a namespace has pushed. */
  readonly registryBytes: (namespace: string) => Promise<number>;
  readonly log: Log;
}

const hourMs = 3_600_000;
/** Most of an hour is there for it, and a server that was just started has other work. */
const lookEveryMs = 60_000;
const pageLength = 100;

/** Several servers may do so at the same time: the store takes one sample an hour of each namespace. */
export function startStoredSamples(options: StoredSamplesOptions): AsyncDisposable {
  const ending = new AbortController();
  const running = work(options, ending.signal);
  return {
    async [Symbol.asyncDispose]() {
      ending.abort();
      await running;
    },
  };
}

/** Never rejects. */
async function work(options: StoredSamplesOptions, signal: AbortSignal): Promise<void> {
  let sampled: number | undefined;
  while (!signal.aborted) {
    await sleep(lookEveryMs, undefined, { ref: false, signal }).catch(() => {});
    const hour = Math.floor(Date.now() / hourMs);
    if (signal.aborted || hour === sampled) continue;
    try {
      await sampleAll(options, hour, signal);
      sampled = hour;
    } catch (error) {
      options.log.error({ reason: messageOf(error) }, 'could not note what namespaces hold');
    }
  }
}

/** @param hour since 1970 */
export async function sampleAll(
  { store, registryBytes }: Omit<StoredSamplesOptions, 'log'>,
  hour: number,
  signal?: AbortSignal,
): Promise<void> {
  for (let skip = 0; signal?.aborted !== true; skip += pageLength) {
    const page = await store.namespaces.usage({ skip, limit: pageLength });
    for (const { name, entityBytes, codeBytes, recordBytes } of page)
      await store.usage.sample(
        name,
        entityBytes + codeBytes + recordBytes + (await registryBytes(name)),
        hour,
      );
    if (page.length < pageLength) return;
  }
}
