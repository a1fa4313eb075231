/** One thread that reads, as the thread that asks sees it. */
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { messageOf } from '../../lib/index.ts';
import { scannerFault } from '../faults.ts';
import { type Answer, errorOf, type FromJob, type Job, type Ready, type Start } from './jobs.ts';

/** Who is loaded in the thread to look at what is scanned. */
export interface InspectorModule {
  /** Of a module that exports `inspectorsFor(data): InspectorSet`. */
  readonly module: URL;
  /** What structured cloning can copy. */
  readonly data?: unknown;
}

export interface Thread {
  /** Once it can take jobs. @throws Fault SCAN_FAILED */
  readonly revision: Promise<string>;
  isAlive(): boolean;
  /**
   * One at a time. An abort ends the thread: nothing else stops what it is busy with.
   * @param open Of a layer.
   * @throws Fault SCAN_FAILED; what the job fails with; what `open` or its stream does; the signal's reason
   */
  run(job: Job, open: () => Promise<Readable>, signal: AbortSignal): Promise<unknown>;
  end(): Promise<void>;
}

/** Of JavaScript; buffers lie elsewhere. */
const heapMiB = 256;
/** What lives for a file only; by default as much as would double a scan's memory. */
const youngHeapMiB = 12;

export function startThread({ module, data }: InspectorModule): Thread {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { module: module.href, data },
    env: threadEnvironment(),
    resourceLimits: { maxOldGenerationSizeMb: heapMiB, maxYoungGenerationSizeMb: youngHeapMiB },
  });
  const ready = Promise.withResolvers<string>();
  const ended = Promise.withResolvers<never>();
  // Whoever asks sees them; nobody has to.
  ready.promise.catch(() => undefined);
  ended.promise.catch(() => undefined);
  let isAlive = true;

  const fail = (error: unknown): void => {
    isAlive = false;
    ready.reject(error);
    ended.reject(error);
  };
  worker.on('message', ({ revision }: Ready) => ready.resolve(revision));
  worker.on('error', (error) => {
    fail(scannerFault('SCAN_FAILED', `the thread that scans ended: ${messageOf(error)}`, { cause: error }));
  });
  worker.on('exit', () => fail(scannerFault('SCAN_FAILED', 'the thread that scans has ended')));
  // An idle thread keeps no process alive.
  ready.promise.finally(() => worker.unref()).catch(() => undefined);

  const run: Thread['run'] = async (job, open, signal) => {
    signal.throwIfAborted();
    const onAbort = (): void => {
      fail(signal.reason);
      void worker.terminate();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await ready.promise;
      worker.ref();
      const { port1, port2 } = new MessageChannel();
      const start: Start = { job, port: port2 };
      worker.postMessage(start, [port2]);
      return await Promise.race([converse(port1, open), ended.promise]).finally(() => port1.close());
    } finally {
      signal.removeEventListener('abort', onAbort);
      worker.unref();
    }
  };
  return {
    revision: ready.promise,
    isAlive: () => isAlive,
    run,
    end: async () => {
      await worker.terminate();
    },
  };
}

/** A thread knows of the program's compile cache by this variable alone. Node keeps it in a folder of its version. */
function threadEnvironment(): NodeJS.ProcessEnv {
  const cache = getCompileCacheDir();
  return cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(cache) };
}

/** Hands the job the bytes that it asks for, until it ends. What fails here is what it then fails with. */
function converse(port: MessagePort, open: () => Promise<Readable>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let source: Readable | undefined;
    let pieces: AsyncIterator<Uint8Array> | undefined;
    let failure: unknown;
    const answer = async (wish: 'open' | 'more'): Promise<Answer> => {
      try {
        if (wish === 'open') {
          source = await open();
          pieces = source[Symbol.asyncIterator]();
          return { say: 'opened' };
        }
        const next = await pieces?.next();
        return next === undefined || next.done ? { say: 'end' } : { say: 'piece', bytes: next.value };
      } catch (error) {
        failure ??= error;
        return { say: 'broken' };
      }
    };
    port.on('close', () => source?.destroy());
    port.on('message', (message: FromJob) => {
      if (message.say === 'done') resolve(message.result);
      else if (message.say === 'failed') reject(failure ?? errorOf(message.failure));
      else if (message.say === 'close') source?.destroy();
      else void answer(message.say).then((said) => port.postMessage(said));
    });
  });
}
