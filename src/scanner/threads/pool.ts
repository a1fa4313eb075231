/**
 * Reads in threads of its own, so that a server stays responsive whatever it is given: as many as there are processors
 * besides the first. A thread that an abort or a failure has ended is replaced when it is needed.
 */
import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import type { InspectedConfig } from '../config.ts';
import type { LayerAnalysis } from '../layers/analysis.ts';
import { untilAborted } from '../until-aborted.ts';
import type { Analyst, Job, Read } from './jobs.ts';
import { type InspectorModule, startThread, type Thread } from './thread.ts';
import { withinTime } from './time-limit.ts';

/** @param timeoutMs For each layer, folder, code or configuration. */
export function analystInThreads(inspectors: InspectorModule, timeoutMs: number): Analyst {
  const size = Math.max(1, availableParallelism() - 1);
  const idle: Thread[] = [];
  const all = new Set<Thread>();
  const waiting: ((thread: Thread) => void)[] = [];

  const start = (): Thread => {
    const thread = startThread(inspectors);
    all.add(thread);
    return thread;
  };
  const take = async (): Promise<Thread> => {
    for (let thread = idle.pop(); thread !== undefined; thread = idle.pop()) {
      if (thread.isAlive()) return thread;
      all.delete(thread);
    }
    if (all.size < size) return start();
    return new Promise((resolve) => waiting.push(resolve));
  };
  const giveBack = (thread: Thread): void => {
    let next = thread;
    if (!thread.isAlive()) {
      all.delete(thread);
      if (waiting.length === 0) return;
      next = start();
    }
    const taker = waiting.shift();
    if (taker === undefined) idle.push(next);
    else taker(next);
  };
  const run = async <T>(job: Job, open: () => Promise<Readable>, signal: AbortSignal): Promise<T> => {
    const thread = await take();
    try {
      // Its start is not the job's doing.
      await untilAborted(signal, thread.revision);
      // What a thread answers to a job is what the job is for.
      return (await withinTime(timeoutMs, signal, (end) => thread.run(job, open, end))) as T;
    } finally {
      giveBack(thread);
    }
  };
  const nothing = async (): Promise<Readable> => Readable.from([]);

  return {
    revision: async () => {
      const thread = await take();
      try {
        return await thread.revision;
      } finally {
        giveBack(thread);
      }
    },
    layer: ({ digest, open, file, isVerified }, signal) =>
      run<LayerAnalysis>({ what: 'layer', digest, file, isVerified }, open, signal),
    folder: (dir, signal) => run<Read>({ what: 'folder', dir }, nothing, signal),
    code: (code, kind, signal) => run<Read>({ what: 'code', code, kind }, nothing, signal),
    config: (config, signal) => run<InspectedConfig>({ what: 'config', config }, nothing, signal),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...all].map((thread) => thread.end()));
    },
  };
}
