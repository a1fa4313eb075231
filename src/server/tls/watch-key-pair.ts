/**
 * Looks for a new certificate and key. Programs that renew them write one file after the other, so a change counts when
 * both files have been left alone for one look. A pair that was refused is read again later, too: time alone can make it valid.
 */
import { stat } from 'node:fs/promises';
import { isFault, type Log, messageOf } from '../../lib/index.ts';
import type { KeyPairFiles } from '../config/tls-setting.ts';
import { expiryOf, type KeyPair, readKeyPair } from './key-pair.ts';

interface WatchOptions {
  readonly log: Log;
  /** Gets each new pair that is of use. */
  readonly onChange: (pair: KeyPair) => void;
  readonly everyMs?: number;
  /** Until a refused pair is read again. */
  readonly againMs?: number;
}

const usualMs = 500;
const usualAgainMs = 60_000;
const dayMs = 24 * 60 * 60 * 1000;
/** Certificates are renewed when a third of their life is left, which is 30 days or, for short ones, a few. */
const soonMs = 3 * dayMs;

/**
 * Watches several pairs.
 * @param first null: it is of no use at the moment
 * @param onChange gets all that are of use whenever one has changed
 */
export function watchKeyPairs(
  files: readonly KeyPairFiles[],
  first: readonly (KeyPair | null)[],
  { onChange, ...options }: Omit<WatchOptions, 'onChange'> & { onChange(pairs: readonly KeyPair[]): void },
): Disposable {
  const watches = new DisposableStack();
  const pairs = [...first];
  for (const [i, pair] of first.entries()) {
    const own = files[i];
    if (own === undefined) continue;
    const onOwnChange = (next: KeyPair) => {
      pairs[i] = next;
      onChange(pairs.filter((each) => each !== null));
    };
    watches.use(watchKeyPair(own, pair, { ...options, onChange: onOwnChange }));
  }
  return watches;
}

export function watchKeyPair(
  files: KeyPairFiles,
  first: KeyPair | null,
  { log, onChange, everyMs = usualMs, againMs = usualAgainMs }: WatchOptions,
): Disposable {
  let current = first;
  let seen: string | undefined;
  let taken: string | undefined;
  let refused: { readonly reason: string; readonly at: number } | undefined;
  let warnedAt = Number.NEGATIVE_INFINITY;
  let isLooking = false;
  const load = async () => {
    try {
      const pair = await readKeyPair(files, Date.now());
      refused = undefined;
      if (pair.cert === current?.cert && pair.key === current.key) return;
      current = pair;
      onChange(pair);
      log.info({ cert: files.cert, until: expiryOf(pair.cert).toISOString() }, 'new certificate in use');
    } catch (error) {
      const reason = messageOf(error);
      const isSaid = reason === refused?.reason;
      refused = { reason, at: performance.now() };
      if (isSaid) return;
      const hint = isFault(error) ? error.hint : undefined;
      const until = current === null ? undefined : expiryOf(current.cert).toISOString();
      const so = until === undefined ? 'Ward goes on without it' : 'the old one stays in use';
      log.error(
        { cert: files.cert, reason, hint, until },
        `the ${until === undefined ? '' : 'new '}certificate is refused, ${so}`,
      );
    }
  };
  const look = async () => {
    const now = await marksOf(files);
    const isChanged = now !== taken;
    const isLate = refused !== undefined && performance.now() - refused.at >= againMs;
    if (now === seen && (isChanged || isLate)) {
      if (isChanged) refused = undefined;
      taken = now;
      await load();
    }
    seen = now;
    if (current === null) return;
    const leftMs = expiryOf(current.cert).getTime() - Date.now();
    if (leftMs > soonMs || performance.now() - warnedAt < dayMs) return;
    warnedAt = performance.now();
    log.warn(
      { cert: files.cert, until: expiryOf(current.cert).toISOString() },
      'the certificate needs renewal',
    );
  };
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    void look().finally(() => {
      isLooking = false;
    });
  }, everyMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Changes with the content of the files; follows links, as certbot and Kubernetes replace them. */
async function marksOf({ cert, key }: KeyPairFiles): Promise<string> {
  const marks = await Promise.all(
    [cert, key].map(async (file) => {
      try {
        const { ino, size, mtimeMs, ctimeMs } = await stat(file);
        return [ino, size, mtimeMs, ctimeMs].join();
      } catch {
        return 'absent';
      }
    }),
  );
  return marks.join(' ');
}
