/**
 * Writes lines to stderr, one write at a time, and never waits for it. A log that can't be written, on a full disk
 * for example, is no reason to stop: its lines are lost, and the next ones are tried. This replaces pino's own
 * destination, which keeps failed lines, retries them each time the process is about to end, and so never lets it
 * end.
 */
import { write, writeSync } from 'node:fs';
import { errnoOf } from './fault.ts';

/** Limit of text that waits for a slow reader; beyond it lines are dropped, so that they don't fill the memory. */
const mostWaiting = 8 * 1024 * 1024;
/** Pause while the reader of a full pipe does not read. */
const againMs = 10;
/** Time for all waiting lines at the end of the process. */
const lastMs = 1000;

export class LogWriter {
  readonly #descriptor: number;
  #waiting: string[] = [];
  /** Characters. */
  #length = 0;
  #isWriting = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    process.on('exit', () => this.flushSync());
  }

  write(line: string): void {
    if (this.#length + line.length > mostWaiting) return;
    this.#waiting.push(line);
    this.#length += line.length;
    if (!this.#isWriting) this.#writeNext();
  }

  /** Writes waiting lines before the process ends, without those that are being written. pino calls it for fatal errors. */
  flushSync(): void {
    const until = performance.now() + lastMs;
    for (let rest = this.#take(); rest.length > 0 && performance.now() < until; ) {
      try {
        rest = rest.subarray(writeSync(this.#descriptor, rest));
      } catch (error) {
        if (errnoOf(error) !== 'EAGAIN') return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, againMs);
      }
    }
  }

  #writeNext(): void {
    this.#isWriting = this.#length > 0;
    if (this.#isWriting) this.#send(this.#take());
  }

  #send(bytes: Buffer): void {
    write(this.#descriptor, bytes, (error, written) => {
      if (errnoOf(error) === 'EAGAIN') return void setTimeout(() => this.#send(bytes), againMs);
      const rest = bytes.subarray(error === null ? written : bytes.length);
      if (rest.length > 0) this.#send(rest);
      else this.#writeNext();
    });
  }

  #take(): Buffer {
    const bytes = Buffer.from(this.#waiting.join(''));
    this.#waiting = [];
    this.#length = 0;
    return bytes;
  }
}
