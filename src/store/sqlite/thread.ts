/**
 * The main thread's end of the database thread: sends queries and batches to it, several of one tick in one message,
 * and receives its errors as faults. When the thread dies, every pending and every later call fails with
 * STORE_FAILED; the thread is never restarted without the callers' knowledge.
 */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { type Fault, startThread } from '../../lib/index.ts';
import { isLongText, type LongText, type Statement, type Unit, type UnitOutcome } from '../batch.ts';
import { storeClosed, storeFault } from '../faults.ts';
import type { BatchRequest, Reply, Request, WorkerData } from './protocol.ts';
import { faultOf } from './sql-fault.ts';

export interface DatabaseThread {
  /** Runs one statement; `values` are what node:sqlite binds (text, numbers, null, bytes). */
  query(sql: string, values: BatchRequest['values']): Promise<QueryAnswer>;
  batch(units: readonly Unit[]): Promise<readonly UnitOutcome[]>;
  /** Copies the log into the database, closes it and ends the thread. */
  close(): Promise<void>;
}

export interface QueryAnswer {
  readonly rows: readonly unknown[];
  readonly changes: number;
}

const program = new URL('./worker.ts', import.meta.url);
const usualCacheKiB = 32 * 1024;

/** Starts the thread, which opens the file at once; if that fails, the first call fails. */
export function startDatabaseThread(path: string, cacheKiB = usualCacheKiB): DatabaseThread {
  return new Thread(path, cacheKiB);
}

type Unnumbered<T> = T extends Request ? Omit<T, 'id'> : never;

interface Pending {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (fault: Fault) => void;
  /** Gets back the long texts of a request that failed. */
  readonly restored?: ((texts: readonly LongText[]) => void) | undefined;
}

class Thread implements DatabaseThread {
  readonly #path: string;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #outbox: Request[] = [];
  #lastId = 0;
  #ended: Fault | undefined;

  constructor(path: string, cacheKiB: number) {
    this.#path = path;
    this.#worker = startThread(program, 'ward-store', { path, cacheKiB } satisfies WorkerData);
    this.#worker.on('message', (replies: readonly Reply[]) => {
      for (const reply of replies) this.#receive(reply);
    });
    this.#worker.on('error', (error) => this.#end(this.#crash(error)));
    this.#worker.on('exit', (code) => this.#end(this.#crash(new Error(`it exited with ${code}`))));
  }

  async query(sql: string, values: BatchRequest['values']): Promise<QueryAnswer> {
    const reply = await this.#send({ type: 'query', sql, values });
    if (reply.type !== 'rows') throw storeFault('STORE_FAILED', 'the database thread broke its protocol');
    return reply;
  }

  async batch(units: readonly Unit[]): Promise<readonly UnitOutcome[]> {
    const request = flatten(units);
    const reply = await this.#send(request, (texts) => restore(request.values, texts));
    if (reply.type !== 'outcomes') throw storeFault('STORE_FAILED', 'the database thread broke its protocol');
    return reply.outcomes.map((outcome) =>
      typeof outcome === 'number' ? outcome : faultOf(outcome, this.#path),
    );
  }

  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    const exited = once(this.#worker, 'exit');
    const answered = this.#send({ type: 'close' });
    this.#ended = storeClosed();
    await answered.finally(() => exited);
  }

  #send(request: Unnumbered<Request>, restored?: Pending['restored']): Promise<Reply> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, restored });
      if (this.#outbox.push({ ...request, id }) === 1) queueMicrotask(() => this.#post());
    });
  }

  #post(): void {
    this.#worker.postMessage(this.#outbox, memoryOf(this.#outbox));
    this.#outbox = [];
  }

  #receive(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (reply.type === 'error') {
      pending?.restored?.(reply.texts ?? []);
      pending?.reject(faultOf(reply.error, this.#path));
    } else pending?.resolve(reply);
  }

  #crash(error: unknown): Fault {
    return faultOf(error, this.#path);
  }

  #end(fault: Fault): void {
    this.#ended ??= fault;
    for (const { reject } of this.#pending.values()) reject(fault);
    this.#pending.clear();
  }
}

/** Memory of long texts, which is transferred to the thread instead of being copied. */
function memoryOf(requests: readonly Request[]): ArrayBuffer[] {
  const memory: ArrayBuffer[] = [];
  for (const request of requests) {
    if (request.type === 'close') continue;
    for (const value of request.values) {
      if (isLongText(value)) for (const { buffer } of value.pieces) memory.push(buffer);
    }
  }
  return memory;
}

function flatten(units: readonly Unit[]): Omit<BatchRequest, 'id'> {
  const statements: Statement[] = [];
  const steps: number[] = [];
  const values: BatchRequest['values'][number][] = [];
  for (const unit of units) {
    for (const step of unit) {
      let index = statements.indexOf(step.statement);
      if (index === -1) index = statements.push(step.statement) - 1;
      steps.push(index);
      for (const value of step.values) values.push(value);
    }
    steps.push(-1);
  }
  return { type: 'batch', statements, steps, values };
}

/** Puts the memory that the thread returned under the same values again. */
function restore(values: BatchRequest['values'], texts: readonly LongText[]): void {
  values
    .filter((value) => isLongText(value))
    .forEach((value, index) => {
      const { pieces } = texts[index] ?? { pieces: [] };
      Object.assign(value, { pieces });
    });
}
