/**
 * One scan process, as the process that asks for scans sees it. It reads hostile data: a takeover or failure, even one so
 * bad that V8 gives up because memory runs out, ends that process alone. Its messages are hostile as well: the first
 * message that no scan process would send ends it.
 */
import type { Readable } from 'node:stream';
import { scannerFault } from '../faults.ts';
import { converse } from './conversation.ts';
import { type Frame, openFrames } from './frames.ts';
import type { ScanJob } from './jobs.ts';
import { type FromJob, fromJobSchema, limitsFromProcess, readySchema, type ToJob } from './messages.ts';
import { heapMiB, type StartedProgram, type StartProgram } from './start-program.ts';

/** Who is loaded in the process to look at what is scanned. */
export interface InspectorModule {
  /** Of a module that exports `inspectorsFor(data): InspectorSet`. */
  readonly module: URL;
  /** What JSON can say. */
  readonly data?: unknown;
}

export interface ScanProcess {
  /** Once it can take jobs. @throws Fault SCAN_FAILED */
  readonly revision: Promise<string>;
  isAlive(): boolean;
  /**
   * One at a time. An abort ends the process: nothing else stops what it is busy with.
   * @param open Of a layer.
   * @param bytes Of code.
   * @throws Fault SCAN_FAILED; what the job fails with; what `open` or its stream does; the signal's reason
   */
  run(job: ScanJob, open: () => Promise<Readable>, signal: AbortSignal, bytes?: Uint8Array): Promise<unknown>;
  end(): Promise<void>;
}

/** Characters that are kept of its error stream. */
const maxSaid = 16_384;

export function startScanProcess({ module, data }: InspectorModule, start: StartProgram): ScanProcess {
  const ready = Promise.withResolvers<string>();
  const ended = Promise.withResolvers<never>();
  // Callers that wait see the errors; without one they must not end Ward.
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
    // Messages about a job that was broken off come too late, and are dropped.
    if (told.job === job) hear?.(told);
    else if (told.job > job) throw new Error('it names a job that it was not given');
  };
  const starting = startTalking(start, { module: module.href, data }, take, fail);
  starting.catch(fail);
  const kill = (): void => void starting.then((child) => child.kill()).catch(() => undefined);
  // An idle process keeps no other alive.
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

/** Starts the program and sends it its first message. `fail` hears of its end, and of a message that makes no sense. */
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
  // Its end is told by the process's own.
  stream.on('error', () => undefined);
  const { send } = openFrames(stream, limitsFromProcess, take, broken);
  void exited.then((how) => {
    fail(scannerFault('SCAN_FAILED', whyEnded(how, said())));
    stream.destroy();
  });
  void send(first);
  return { ...child, send };
}

/** The end of what it says on its error stream. */
function lastWords(stderr: Readable): () => string {
  let said = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-maxSaid);
  });
  stderr.on('error', () => undefined);
  // The stream keeps no process alive.
  if ('unref' in stderr && typeof stderr.unref === 'function') stderr.unref();
  return () => said;
}

function whyEnded(how: string, said: string): string {
  if (/heap out of memory|Array buffer allocation failed/i.test(said))
    return `reading it takes more than the ${heapMiB} MiB of memory that a scan may use`;
  const error = /^\w*(?:Error|Fault)\b.*/m.exec(said)?.[0];
  return `the scan process ended (${how})${error === undefined ? '' : `: ${error.slice(0, 200)}`}`;
}
