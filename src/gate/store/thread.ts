/**
 * The gate's file, open in a thread of its own: an `fsync`, or a lock that another process holds, keeps nothing else from
 * going on. When the thread dies, what is asked for fails, and nothing is restarted behind the callers' backs.
 */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { startThread } from '../../lib/index.ts';
import type { OpenFile } from './line.ts';
import type { Answer, Request } from './requests.ts';
import { faultOf } from './store-fault.ts';

const program = new URL('./worker.ts', import.meta.url);

/** @throws Fault GATE_STORE_FAILED, GATE_STORE_CORRUPT, GATE_STORE_NEWER */
export async function openInThread(path: string): Promise<OpenFile> {
  const thread = new Thread(path);
  const [opened] = await thread.opened;
  if (opened !== undefined && 'error' in opened) throw faultOf(opened.error, path);
  return thread;
}

class Thread implements OpenFile {
  readonly opened: Promise<readonly Answer[]>;
  readonly #worker: Worker;
  /** One at a time: the next list is sent when the one before is answered. */
  #pending: PromiseWithResolvers<readonly Answer[]> | undefined;
  #end: Error | undefined;

  constructor(path: string) {
    this.#worker = startThread(program, 'ward-gate', { path });
    this.#worker.on('message', (answers: readonly Answer[]) => this.#pending?.resolve(answers));
    this.#worker.on('error', (error) => this.#ended(error));
    this.#worker.on('exit', (code) => this.#ended(new Error(`its thread ended with ${code}`)));
    this.opened = this.#next();
  }

  answer(requests: readonly Request[]): Promise<readonly Answer[]> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    this.#worker.postMessage(requests);
    return this.#next();
  }

  async close(): Promise<void> {
    if (this.#end !== undefined) return;
    const exited = once(this.#worker, 'exit');
    this.#worker.postMessage('close');
    await exited;
  }

  #next(): Promise<readonly Answer[]> {
    this.#pending = Promise.withResolvers();
    return this.#pending.promise;
  }

  #ended(reason: unknown): void {
    this.#end ??= reason instanceof Error ? reason : new Error(String(reason));
    this.#pending?.reject(this.#end);
  }
}
