/**
 * One process that reads, as the one that asks sees it. What it reads is hostile: whatever that makes of it, and be it
 * that V8 gives up for want of memory, is an end of that process alone, which ends with the one that started it.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { startCommand } from '../../lib/index.ts';
import { scannerFault } from '../faults.ts';
import type { Confinement } from './confinement.ts';
import { converse } from './conversation.ts';
import type { About, FromJob, Job, Ready, ToJob } from './jobs.ts';

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
   * @throws Fault SCAN_FAILED; what the job fails with; what `open` or its stream does; the signal's reason
   */
  run(job: Job, open: () => Promise<Readable>, signal: AbortSignal): Promise<unknown>;
  end(): Promise<void>;
}

/** Of JavaScript; buffers lie elsewhere. */
const heapMiB = 160;
/** What lives for a file only; by default as much as would double a scan's memory. */
const semiSpaceMiB = 4;
/** Of what it says on its error stream. */
const maxSaid = 16_384;

const program = fileURLToPath(new URL('./worker.ts', import.meta.url));

export function startScanProcess({ module, data }: InspectorModule, confinement: Confinement): ScanProcess {
  const cache = ownCompileCache();
  const node = [process.execPath, `--max-old-space-size=${heapMiB}`, `--max-semi-space-size=${semiSpaceMiB}`];
  const argv = [...confinement(cache), ...node, program, JSON.stringify({ module: module.href, data })];
  const child = startCommand(argv, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    // In a session of its own, a terminal's signals do not reach it: what it reads may still be wanted.
    detached: true,
    env: { PATH: process.env['PATH'], ...(cache !== undefined && { NODE_COMPILE_CACHE: cache }) },
  });
  // When memory runs out, it goes first.
  writeFile(`/proc/${child.pid}/oom_score_adj`, '500').catch(() => undefined);
  const ready = Promise.withResolvers<string>();
  const ended = Promise.withResolvers<never>();
  // Whoever asks sees them; nobody has to.
  ready.promise.catch(() => undefined);
  ended.promise.catch(() => undefined);
  let isAlive = true;
  let job = 0;
  let hear: (message: FromJob) => void = () => undefined;
  const said = lastWords(child);

  const fail = (error: unknown): void => {
    isAlive = false;
    ready.reject(error);
    ended.reject(error);
  };
  const say = (about: About<ToJob>): void => {
    // What can't be sent is of no use to a process that has ended.
    if (child.connected) child.send(about, () => undefined);
  };
  child.once('message', ({ revision }: Ready) => {
    ready.resolve(revision);
    child.on('message', (about: About<FromJob>) => {
      if (about.job === job) hear(about.message);
    });
  });
  child.on('error', (cause) => fail(scannerFault('SCAN_FAILED', cause.message, { cause })));
  child.on('close', (code, signal) => fail(scannerFault('SCAN_FAILED', whyEnded(signal ?? code, said()))));
  // An idle process keeps no other alive.
  const unref = (): void => {
    child.unref();
    child.channel?.unref();
  };
  const ref = (): void => {
    child.ref();
    child.channel?.ref();
  };
  ready.promise.finally(unref).catch(() => undefined);
  const kill = (): void => void child.kill('SIGKILL');

  const run: ScanProcess['run'] = async (asked, open, signal) => {
    signal.throwIfAborted();
    const onAbort = (): void => {
      fail(signal.reason);
      kill();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await ready.promise;
      ref();
      const number = ++job;
      const talk = converse(open, (message) => say({ job: number, message }));
      hear = talk.hear;
      say({ job: number, message: { say: 'start', job: asked } });
      return await Promise.race([talk.result, ended.promise]).finally(talk.end);
    } finally {
      hear = () => undefined;
      signal.removeEventListener('abort', onAbort);
      unref();
    }
  };
  return {
    revision: ready.promise,
    isAlive: () => isAlive,
    run,
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      child.ref();
      const gone = once(child, 'exit');
      kill();
      await gone;
    },
  };
}

/** The cache of what these processes compile: theirs alone, since they may write to it. Undefined where there is none. */
function ownCompileCache(): string | undefined {
  const cache = getCompileCacheDir();
  if (cache === undefined) return undefined;
  // Node keeps it in a folder of its version.
  const own = `${dirname(cache)}-scan`;
  try {
    mkdirSync(own, { recursive: true });
    return own;
  } catch {
    return undefined;
  }
}

/** The end of what it says on its error stream. */
function lastWords({ stderr }: ChildProcess): () => string {
  let said = '';
  stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-maxSaid);
  });
  // The stream keeps nobody alive.
  if (stderr !== null && 'unref' in stderr && typeof stderr.unref === 'function') stderr.unref();
  return () => said;
}

function whyEnded(how: string | number | null, said: string): string {
  if (/heap out of memory|Array buffer allocation failed/i.test(said))
    return `reading it takes more than the ${heapMiB} MiB of memory that there are for it`;
  const error = /^\w*(?:Error|Fault)\b.*/m.exec(said)?.[0];
  return `the process that scans ended (${how})${error === undefined ? '' : `: ${error.slice(0, 200)}`}`;
}
