/**
 * Keeps the server within the memory limit of its own control group. It refuses requests that need more than is free
 * before it reads them, so that clients try again later; while memory is short, nothing starts. After a load, memory
 * goes back to the kernel: V8 keeps what it has until it collects, and an idle server never does.
 */
import { type Fault, hostTroubleOf, type Log } from '../../lib/index.ts';
import { chargedBytes, type OwnMemory } from '../../sandbox/index.ts';
import type { StartProgram } from '../../scanner/index.ts';
import { serverFault } from '../faults.ts';
import { scanBytes } from './memory-plan.ts';

export interface MemoryWatch extends Disposable {
  /** Returns a function that releases the memory. @throws Fault MEMORY_SHORT */
  reserve(bytes: number): () => void;
  /**
   * Waits up to a minute for memory; the last part of the memory is only for these callers. Running requests count
   * only with the memory that is charged: otherwise those that wait for this one would block it. @throws Fault
   * MEMORY_SHORT
   */
  reserveSoon(bytes: number): Promise<() => void>;
  /** @throws Fault MEMORY_SHORT */
  admit(): void;
  isShort(): boolean;
}

interface MemoryWatchOptions {
  readonly group: OwnMemory | undefined;
  /** Undefined: Ward refuses nothing. */
  readonly shortBytes: number | undefined;
  /** Additional memory for `reserveSoon`. */
  readonly soonBytes?: number;
  readonly log: Log;
  /** Memory charged to the group. */
  readonly look?: () => number | undefined;
  readonly collect?: (kind: 'major' | 'all') => void;
}

const lookMs = 100;
const quietMs = 5000;
const quietTimesNeeded = 2;
const retryAfterMs = 1000;
const soonMs = 60_000;
/** Time between two collections while memory is short. */
const collectMs = 1000;
/** Share of the thread's time. */
const quietShare = 0.05;
/** A smaller gain is not worth a collection. */
const gainBytes = 24 * 1024 * 1024;

export function startMemoryWatch(options: MemoryWatchOptions): MemoryWatch {
  const { group, shortBytes = Number.POSITIVE_INFINITY, soonBytes = 0, log, collect = collectNow } = options;
  const look = options.look ?? (() => (group === undefined ? undefined : chargedBytes(group)));
  let charged = 0;
  let reserved = 0;
  let reservedSoon = 0;
  /** The largest request refused since the last look. */
  let refused = 0;
  /** Each entry checks whether its turn has come. */
  const waiting = new Set<() => void>();
  let wasShort = false;
  let collectedAt = Number.NEGATIVE_INFINITY;
  const isShort = () => charged > shortBytes;
  const lookAgain = () => {
    charged = unlessInTrouble(look, charged) ?? 0;
    if (isShort() !== wasShort) {
      wasShort = !wasShort;
      log.warn(
        { chargedBytes: charged, shortBytes },
        wasShort ? 'memory is short: calls are refused' : 'memory is no longer short',
      );
    }
    for (const look of [...waiting]) look();
    // A running scan explains that much, and a collection would not change it.
    const hasGarbage = charged + refused > shortBytes + reservedSoon;
    if ((!hasGarbage && waiting.size === 0) || performance.now() - collectedAt < collectMs) return;
    collectedAt = performance.now();
    // Waiting and refused requests need pages that go back to the kernel.
    collect(waiting.size > 0 || refused > 0 ? 'all' : 'major');
    refused = 0;
  };
  const check = (bytes: number) => {
    if (charged + reserved + bytes <= shortBytes) return;
    refused = Math.max(refused, bytes);
    throw memoryShort();
  };
  const timers = [setInterval(returnWhenQuiet({ collect }), quietMs)];
  if (shortBytes !== Number.POSITIVE_INFINITY) {
    lookAgain();
    timers.push(setInterval(lookAgain, lookMs));
  }
  for (const timer of timers) timer.unref();
  const reserve = (bytes: number) => {
    check(bytes);
    reserved += bytes;
    return () => {
      reserved -= bytes;
    };
  };
  return {
    isShort,
    admit: () => check(0),
    reserve,
    reserveSoon(bytes) {
      const { promise, resolve, reject } = Promise.withResolvers<() => void>();
      const latest = performance.now() + soonMs;
      const take = (taken: number) => {
        reservedSoon += taken;
      };
      const look = () => {
        if (charged + reservedSoon + bytes <= shortBytes + soonBytes) {
          take(bytes);
          resolve(() => take(-bytes));
        } else if (performance.now() >= latest) reject(memoryShort());
        else return;
        waiting.delete(look);
      };
      waiting.add(look);
      look();
      return promise;
    },
    [Symbol.dispose]() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}

function memoryShort(): Fault {
  const text = 'The server has too little free memory for this now, try again later.';
  return serverFault('MEMORY_SHORT', text, { retryAfterMs });
}

/** Starts a scan when memory for it is free. */
export function withMemory(start: StartProgram, memory: Pick<MemoryWatch, 'reserveSoon'>): StartProgram {
  return async () => {
    const giveBack = await memory.reserveSoon(scanBytes);
    try {
      const program = await start();
      void program.exited.finally(giveBack);
      return program;
    } catch (error) {
      giveBack();
      throw error;
    }
  };
}

interface QuietOptions {
  readonly collect: (kind: 'all') => void;
  /** Share of the time since the last call in which this thread worked. */
  readonly workShare?: () => number;
  /** Memory that the kernel has given to this process, in bytes. */
  readonly resident?: () => number;
}

/** Call it at intervals. The collection stops the thread, so it runs only if it frees much. */
export function returnWhenQuiet(options: QuietOptions): () => void {
  const { collect, workShare = sinceLast(), resident = process.memoryUsage.rss } = options;
  // The start counts as load as well.
  let least = 0;
  let quietTimes = 0;
  return () => {
    quietTimes = workShare() > quietShare ? 0 : quietTimes + 1;
    const now = unlessInTrouble(resident, least);
    least = Math.min(least, now);
    if (quietTimes < quietTimesNeeded || now - least < gainBytes) return;
    collect('all');
    least = unlessInTrouble(resident, now);
  };
}

/** Reading a figure takes a descriptor; without a free one, the previous figure is used. */
function unlessInTrouble<Figure>(read: () => Figure, before: Figure): Figure {
  try {
    return read();
  } catch (error) {
    if (hostTroubleOf(error) === undefined) throw error;
    return before;
  }
}

/** Share of the time in which this thread had a processor. Waiting for one on a busy machine does not count. */
function sinceLast(): () => number {
  let at = performance.now();
  let spent = threadMs();
  return () => {
    const [now, used] = [performance.now(), threadMs()];
    const share = (used - spent) / (now - at);
    at = now;
    spent = used;
    return share;
  };
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Needs Node's flag `--expose-gc`; without it, V8 decides. */
function collectNow(kind: 'major' | 'all'): void {
  // Only V8's last-resort collection gives back the pages that it pools.
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: kind === 'all' ? 'last-resort' : 'regular' });
}
