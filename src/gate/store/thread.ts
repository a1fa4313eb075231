/**
 * Opens the gate's file in a thread of its own, so that an `fsync`, or a lock of another process, blocks nothing else. After
 * the thread dies, every request fails; the server does not restart it behind the callers' backs.
 */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { startThread } from '../../lib/index.ts';
import type { Answer, OpenFile, Request } from './requests.ts';
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
  /** One at a time: the next list goes out after the answer to the one before. */
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
