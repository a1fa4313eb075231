/**
 * Controls one scan process. It reads hostile data: a takeover or a failure, even V8 giving up for lack of memory, affects
 * that process alone. Its messages are untrusted: the first message that no intact scan process would send ends it.
 */
import type { Readable } from 'node:stream';
import { scannerFault } from '../faults.ts';
import { converse } from './conversation.ts';
import { type Frame, openFrames } from './frames.ts';
import type { ScanJob } from './jobs.ts';
import { type FromJob, fromJobSchema, limitsFromProcess, readySchema, type ToJob } from './messages.ts';
import { heapMiB, type StartedProgram, type StartProgram } from './start-program.ts';

/** The module with the inspectors, which the process loads. */
export interface InspectorModule {
  /** URL of a module that exports `inspectorsFor(data): InspectorSet`. */
  readonly module: URL;
  /** A JSON value. */
  readonly data?: unknown;
}

export interface ScanProcess {
  /** Resolves once it can take jobs. @throws Fault SCAN_FAILED */
  readonly revision: Promise<string>;
  isAlive(): boolean;
  /**
   * Runs one job at a time. An abort ends the process, because nothing else can interrupt it.
   * @param open opens the layer
   * @param bytes the code
   * @throws Fault SCAN_FAILED; what the job throws; what `open` or its stream throws; the signal's reason
   */
  run(job: ScanJob, open: () => Promise<Readable>, signal: AbortSignal, bytes?: Uint8Array): Promise<unknown>;
  end(): Promise<void>;
}

/** Characters of its error stream to keep. */
const maxSaid = 16_384;

export function startScanProcess({ module, data }: InspectorModule, start: StartProgram): ScanProcess {
  const ready = Promise.withResolvers<string>();
  const ended = Promise.withResolvers<never>();
  // Callers that wait see the errors. Without callers, the errors must not end Ward.
  ready.promise.catch(() => undefined);
  ended.promise.catch(() => undefined);
  let isAlive = true;
  let job = 0;
  let hear: ((message: FromJob) => void) | undefined;
  let isReady = false;

  const fail = (error: unknown): void => {
    isAlive = false;
    ready.reject(error);
    ended.reject(error);
  };
  const take = ({ message }: Frame): void => {
    if (!isReady) {
      isReady = true;
      ready.resolve(readySchema.parse(message).revision);
      return;
    }
    const told = fromJobSchema.parse(message);
    // Messages about an aborted job may still arrive, and are dropped.
    if (told.job === job) hear?.(told);
    else if (told.job > job) throw new Error('it names a job that it was not given');
  };
  const starting = startTalking(start, { module: module.href, data }, take, fail);
  starting.catch(fail);
  const kill = (): void => void starting.then((child) => child.kill()).catch(() => undefined);
  // An idle process must not keep this one alive.
  ready.promise.then(async () => (await starting).stream.unref()).catch(() => undefined);

  const run: ScanProcess['run'] = async (asked, open, signal, bytes) => {
    signal.throwIfAborted();
    const onAbort = (): void => {
      fail(signal.reason);
      kill();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await ready.promise;
      const { stream, send } = await starting;
      stream.ref();
      const number = ++job;
      const tell = (message: ToJob, beside?: Uint8Array) => send(message, beside);
      const talk = converse(open, (answer, piece) => tell({ job: number, ...answer }, piece));
      hear = talk.hear;
      void tell({ job: number, say: 'start', asked }, bytes);
      return await Promise.race([talk.result, ended.promise]).finally(() => {
        talk.end();
        stream.unref();
      });
    } finally {
      hear = undefined;
      signal.removeEventListener('abort', onAbort);
    }
  };
  return {
    revision: ready.promise,
    isAlive: () => isAlive,
    run,
    end: async () => {
      const child: StartedProgram | undefined = await starting.catch(() => undefined);
      child?.kill();
      await child?.exited;
    },
  };
}

/** Starts the program and sends its first message. `fail` receives its end, or its first invalid message. */
async function startTalking(
  start: StartProgram,
  first: unknown,
  take: (frame: Frame) => void,
  fail: (error: unknown) => void,
) {
  const child = await start();
  const { stream, stderr, exited, kill } = child;
  const said = lastWords(stderr);
  const broken = (why: string): void => {
    fail(scannerFault('SCAN_FAILED', `the scan process sent an invalid message: ${why}`));
    kill();
  };
  // The end of the process reports the failure.
  stream.on('error', () => undefined);
  const { send } = openFrames(stream, limitsFromProcess, take, broken);
  void exited.then((how) => {
    fail(scannerFault('SCAN_FAILED', whyEnded(how, said())));
    stream.destroy();
  });
  void send(first);
  return { ...child, send };
}

/** Returns the end of its error stream. */
function lastWords(stderr: Readable): () => string {
  let said = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-maxSaid);
  });
  stderr.on('error', () => undefined);
  // The stream must not keep this process alive.
  if ('unref' in stderr && typeof stderr.unref === 'function') stderr.unref();
  return () => said;
}

function whyEnded(how: string, said: string): string {
  if (/heap out of memory|Array buffer allocation failed/i.test(said))
    return `reading it takes more than the ${heapMiB} MiB of memory that a scan may use`;
  const error = /^\w*(?:Error|Fault)\b.*/m.exec(said)?.[0];
  return `the scan process ended (${how})${error === undefined ? '' : `: ${error.slice(0, 200)}`}`;
}
