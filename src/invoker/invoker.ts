/**
 * The invoker: the scheduler, and a sweeper that freezes idle sandboxes, ends those that were idle too long, and
 * keeps the prewarmed slots filled.
 */
import { availableParallelism } from 'node:os';
import type { BlobReader } from '../blobs/index.ts';
import { needsGvisor, requireAble, type ViolationReport } from '../dispatch/index.ts';
import { type Failure, failureOf, isFault, type Log } from '../lib/index.ts';
import { createIntakes } from './channel/intake.ts';
import { createViolationDesk } from './runner/violation-desk.ts';
import { createProcessorShares } from './scheduling/processor-shares.ts';
import { Scheduler } from './scheduling/scheduler.ts';
import { type CodePlaces, openCodeFolders } from './slots/code-folders.ts';
import { ImagePrefetch } from './slots/image-prefetch.ts';
import { createMemoryLedger } from './slots/memory-ledger.ts';
import { createPrewarmPool, type PrewarmTarget } from './slots/prewarm.ts';
import type { SlotSources } from './slots/slot.ts';
import { createSlotFactory } from './slots/slots.ts';
import type { Invoker } from './types.ts';

export interface InvokerOptions extends SlotSources {
  readonly blobs: Pick<BlobReader, 'get'>;
  /** Where code is placed. */
  readonly codePlaces: CodePlaces;
  /** Memory of all sandboxes together. */
  readonly memoryMiB: number;
  readonly prewarm: readonly PrewarmTarget[];
  readonly maxStarting: number;
  readonly maxQueued: number;
  /** How long a sandbox is idle before it is frozen. */
  readonly freezeAfterMs: number;
  /** How long a sandbox is idle before it is ended. */
  readonly keepAliveMs: number;
  /** True when memory is short: then logs are read slowly. */
  readonly isMemoryShort?: () => boolean;
  readonly log: Log;
  /** Receives each violation and who caused it. Must not throw. */
  readonly onViolation?: (report: ViolationReport) => void;
}

const sweepEveryMs = 50;
const quantumMs = 200;
const readyTimeoutMs = 15_000;
const mebibyte = 1024 * 1024;

export async function createInvoker(options: InvokerOptions): Promise<Invoker> {
  const { operator } = options;
  const folders = openCodeFolders(options.codePlaces, options.blobs, options.log);
  const desk = createViolationDesk((report) => options.onViolation?.(report));
  const intakes = createIntakes({
    onRelease: () => scheduler.resume(),
    isShort: options.isMemoryShort ?? (() => false),
  });
  const factory = createSlotFactory({ ...options, folders, readyTimeoutMs, desk, intakes });
  const ledger = createMemoryLedger(options.memoryMiB);
  const prewarm = createPrewarmPool(options.prewarm, factory, ledger, options.log);
  const shares = createProcessorShares();
  const scheduler: Scheduler = new Scheduler({
    ...options,
    factory,
    ledger,
    prewarm,
    shares,
    isHeldBack: intakes.isHeldBack,
    memoryUsedMiB: atMostEverySecond(() => Math.round(options.host.memoryBytes() / mebibyte)),
    sandboxesLeft: () => options.host.leftBehind(),
    quantumMs,
    parallelSlots: availableParallelism(),
  });

  const prefetch = new ImagePrefetch(options.images, options.log);

  const sweep = () => {
    const now = performance.now();
    try {
      shares.update(now);
    } catch (error) {
      options.log.warn({ err: error }, 'could not update the processor shares');
    }
    scheduler.sweep(now - options.freezeAfterMs, now - options.keepAliveMs);
    if (scheduler.isBusy) return;
    void prewarm.replenish();
    prefetch.next();
  };
  let isClosed = false;
  // Deferred until pending input is read; otherwise an answer that has arrived would count as missing.
  const sweepSoon = () => setImmediate(() => (isClosed ? undefined : sweep()));
  const sweeper = setInterval(sweepSoon, sweepEveryMs);
  sweep();

  const close = async () => {
    clearInterval(sweeper);
    isClosed = true;
    await Promise.all([scheduler.close(), prewarm.close(), prefetch.close()]);
    await factory.close();
  };
  return {
    run: (job, handover) => scheduler.submit(job, handover),
    cancel: (activationId) => scheduler.cancel(activationId),
    warm: (target) => scheduler.warm(target),
    prefetch({ image }) {
      if (image !== undefined) prefetch.add(image);
    },
    follow: (activationId, signal) => scheduler.follow(activationId, signal),
    violated: desk.take,
    status: () => scheduler.status(),
    load: () => scheduler.load(),
    note: () => scheduler.note(),
    async abilities() {
      return { operator, gvisorObstacle: await gvisorObstacle(options) };
    },
    async checkTarget(target) {
      const obstacle = needsGvisor(target, operator) ? await gvisorObstacle(options) : undefined;
      requireAble(target, { operator, gvisorObstacle: obstacle });
    },
    kept: () => scheduler.kept(),
    grant: (grants, forMs) => scheduler.grant(grants, forMs),
    retire: (action) => scheduler.retire(action),
    namespaces: () => scheduler.namespaces(),
    expel: (namespace) => scheduler.expel(namespace),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Returns why no sandbox can start under gVisor here; undefined if it can. */
async function gvisorObstacle({
  host,
  operator,
}: Pick<InvokerOptions, 'host' | 'operator'>): Promise<Failure | undefined> {
  const { memoryBytes } = operator.defaults;
  try {
    await host.checkPolicy({ request: { runtime: 'runsc' }, memoryBytes });
    return undefined;
  } catch (error) {
    if (isFault(error)) return failureOf(error);
    throw error;
  }
}

/** Reads again when the last answer is a second old. */
function atMostEverySecond(read: () => number): () => number {
  let [value, readAt] = [0, Number.NEGATIVE_INFINITY];
  return () => {
    const now = performance.now();
    if (now - readAt >= 1_000) [value, readAt] = [read(), now];
    return value;
  };
}
