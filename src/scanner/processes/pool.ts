/**
 * Reads in scan processes, so that no scanned file can block or end a server. There are as many as processors, less
 * one, and at least one. A process that an abort or a failure has ended is replaced when it is needed.
 */
import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import { isFault, untilAborted } from '../../lib/index.ts';
import type { InspectedConfig } from '../config.ts';
import { scannerFault } from '../faults.ts';
import type { LayerAnalysis } from '../layers/analysis.ts';
import type { Analyst, Read, ScanJob } from './jobs.ts';
import { type InspectorModule, type ScanProcess, startScanProcess } from './scan-process.ts';
import { type StartProgram, startDirectly } from './start-program.ts';
import { withinTime } from './time-limit.ts';

/** An idle process holds about 100 MiB, and a new one starts in less than a second. */
const defaultIdleMs = 10_000;

interface PoolOptions {
  /** A process ends after this time without work. */
  readonly idleMs?: number | undefined;
  readonly start?: StartProgram | undefined;
}

/** @param timeoutMs for each layer, folder, code or configuration */
export function analystInProcesses(
  inspectors: InspectorModule,
  timeoutMs: number,
  { idleMs = defaultIdleMs, start = startDirectly() }: PoolOptions = {},
): Analyst {
  const processes = openProcesses(() => startScanProcess(inspectors, start), idleMs);
  const run = async <T>(
    job: ScanJob,
    open: () => Promise<Readable>,
    signal: AbortSignal,
    bytes?: Uint8Array,
  ): Promise<T> => {
    const one = await processes.take(signal);
    try {
      // The job's time limit does not include the start of the process.
      await untilAborted(signal, processes.started(one));
      // The kind of the job determines the type of the result.
      return (await withinTime(timeoutMs, signal, (end) => one.run(job, open, end, bytes))) as T;
    } finally {
      processes.giveBack(one);
    }
  };
  const nothing = async (): Promise<Readable> => Readable.from([]);

  return {
    revision: async () => {
      const one = await processes.take();
      try {
        return await processes.started(one);
      } finally {
        processes.giveBack(one);
      }
    },
    async layer({ digest, open, localFile, isVerified }, signal) {
      await using file = await localFile?.();
      return await run<LayerAnalysis>({ what: 'layer', digest, file: file?.path, isVerified }, open, signal);
    },
    folder: (dir, signal) => run<Read>({ what: 'folder', dir }, nothing, signal),
    code: (code, kind, signal) => run<Read>({ what: 'code', kind }, nothing, signal, code),
    config: (config, signal) => run<InspectedConfig>({ what: 'config', config }, nothing, signal),
    [Symbol.asyncDispose]: processes.end,
  };
}

interface Processes {
  /**
   * Returns an idle process, a new one, or the next that is given back.
   * @throws the signal's reason; Fault SCAN_FAILED after `end`
   */
  take(signal?: AbortSignal): Promise<ScanProcess>;
  giveBack(one: ScanProcess): void;
  /** Resolves to its revision once it has started. @throws as `ScanProcess.revision` does */
  started(one: ScanProcess): Promise<string>;
  /** Ends them all, and starts no more. */
  end(): Promise<void>;
}

function openProcesses(begin: () => ScanProcess, idleMs: number): Processes {
  const size = Math.max(1, availableParallelism() - 1);
  const idle: { readonly one: ScanProcess; readonly timer: NodeJS.Timeout }[] = [];
  const all = new Set<ScanProcess>();
  const waiting: PromiseWithResolvers<ScanProcess>[] = [];
  let isOver = false;

  const next = async (signal: AbortSignal | undefined): Promise<ScanProcess> => {
    const taker = Promise.withResolvers<ScanProcess>();
    waiting.push(taker);
    const giveUp = (): void => {
      const at = waiting.indexOf(taker);
      if (at < 0) return;
      waiting.splice(at, 1);
      taker.reject(signal?.reason);
    };
    signal?.addEventListener('abort', giveUp);
    try {
      return await taker.promise;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  };
  const take = async (signal?: AbortSignal): Promise<ScanProcess> => {
    signal?.throwIfAborted();
    if (isOver) throw closed();
    for (let last = idle.pop(); last !== undefined; last = idle.pop()) {
      clearTimeout(last.timer);
      if (last.one.isAlive()) return last.one;
      all.delete(last.one);
    }
    if (all.size === size) return next(signal);
    const one = begin();
    all.add(one);
    return one;
  };
  const giveBack = (one: ScanProcess): void => {
    const taker = waiting.shift();
    if (!one.isAlive()) {
      all.delete(one);
      if (taker !== undefined) take().then(taker.resolve, taker.reject);
    } else if (taker !== undefined) taker.resolve(one);
    else idle.push({ one, timer: setTimeout(() => endIdle(one), idleMs).unref() });
  };
  const endIdle = (one: ScanProcess): void => {
    idle.splice(
      idle.findIndex((each) => each.one === one),
      1,
    );
    all.delete(one);
    void one.end();
  };
  const started = async (one: ScanProcess): Promise<string> => {
    try {
      return await one.revision;
    } catch (error) {
      // The callers in the queue have waited for the same room, and would wait as long again, one after the other.
      if (isFault(error) && error.kind === 'busy') for (const taker of waiting.splice(0)) taker.reject(error);
      throw error;
    }
  };
  const end = async (): Promise<void> => {
    isOver = true;
    for (const taker of waiting.splice(0)) taker.reject(closed());
    await Promise.all([...all].map((one) => one.end()));
  };

  return { take, giveBack, started, end };
}

function closed() {
  return scannerFault('SCAN_FAILED', 'the scanner is closed');
}
