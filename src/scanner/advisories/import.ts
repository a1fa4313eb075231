/** Imports advisory files on a worker thread. */
import { Worker } from 'node:worker_threads';
import type { Fault } from '../../lib/index.ts';
import { scannerFault, scannerFaults } from '../faults.ts';
import { InputFailure } from './importing/input-failure.ts';
import type { Message } from './importing/protocol.ts';
import type { ImportJob } from './importing/run.ts';
import type { ImportOptions, ImportResult } from './types.ts';

/**
 * Replaces the records of these sources in one step, and keeps all others. If any file is damaged, nothing changes.
 * @throws Fault ADVISORY_FILE_INVALID, ADVISORY_FILE_TOO_LARGE, ADVISORIES_BUSY, ADVISORIES_CORRUPT,
 *   ADVISORIES_UNSUPPORTED, ADVISORIES_FAILED
 */
export async function importAdvisories(options: ImportOptions): Promise<ImportResult> {
  try {
    return await importOnThread(options);
  } catch (error) {
    throw error instanceof InputFailure ? error.fault : error;
  }
}

/** Does the same, but names the input that failed. @throws InputFailure, Fault */
export async function importOnThread(options: ImportOptions): Promise<ImportResult> {
  const { path, inputs, forget = [], unchanged = [], signal } = options;
  signal?.throwIfAborted();
  const job: ImportJob = { path, inputs, forget, unchanged };
  const worker = new Worker(new URL('./importing/worker.ts', import.meta.url), {
    name: 'ward-advisories',
    workerData: job,
  });
  const stop = () => void worker.terminate();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const result = await outcomeOf(worker, options);
    logResult(result, options);
    return result;
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}

function outcomeOf(worker: Worker, { progress, signal, path }: ImportOptions): Promise<ImportResult> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message: Message) => {
      if (message.type === 'progress') progress?.(message.progress);
      else if (message.type === 'done') resolve(message.result);
      else reject(failureOf(message));
    });
    worker.on('error', (error) => reject(ended(path, error)));
    worker.on('exit', () => reject(signal?.aborted ? signal.reason : ended(path, undefined)));
  });
}

function logResult({ sources, state, changed }: ImportResult, { log }: ImportOptions): void {
  for (const { source, bad, badRecords } of sources) {
    if (bad > 0) log?.warn({ source, bad, badRecords }, 'invalid advisories were left out');
  }
  log?.info({ revision: state.revision, count: state.count, changed }, 'advisories imported');
}

function failureOf({ source, code, message, hint }: Extract<Message, { type: 'fault' }>): Error {
  const known = isCode(code) ? code : 'ADVISORIES_FAILED';
  const fault: Fault = scannerFault(known, message, hint === undefined ? {} : { hint });
  return source === undefined ? fault : new InputFailure(source, fault);
}

function isCode(code: string): code is keyof typeof scannerFaults {
  return Object.hasOwn(scannerFaults, code);
}

function ended(path: string, cause: unknown): Fault {
  return scannerFault('ADVISORIES_FAILED', `the import into ${path} ended before it was done`, { cause });
}
