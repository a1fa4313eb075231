/**
 * Batches requests to the gate's file: requests of one turn go together, and later ones wait for the answers. So verdicts
 * that come together share a commit.
 */
import type { Fault } from '../../lib/index.ts';
import { gateFault } from '../faults.ts';
import type { Answer, ArgumentsOf, OperationName, Request, ResultOf } from './requests.ts';
import { faultOf } from './store-fault.ts';

/** Where the file is open. */
export interface OpenFile {
  /** Answers each request, in order. Rejects when the file can't answer any more. */
  answer(requests: readonly Request[]): Promise<readonly Answer[]>;
  close(): Promise<void>;
}

interface Waiting {
  readonly request: Request;
  readonly settle: (answer: Answer) => void;
}

export class Line {
  readonly #path: string;
  readonly #file: OpenFile;
  #waiting: Waiting[] = [];
  #sending: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(path: string, file: OpenFile) {
    this.#path = path;
    this.#file = file;
  }

  /** @throws Fault those of `GateStore` */
  ask<Name extends OperationName>(name: Name, ...args: ArgumentsOf<Name>): Promise<ResultOf<Name>> {
    if (this.#closing !== undefined) return Promise.reject(closed());
    return new Promise((resolve, reject) => {
      const settle = (answer: Answer) => {
        if ('error' in answer) reject(faultOf(answer.error, this.#path));
        // The operation's name determines the type of its result.
        else resolve(answer.value as ResultOf<Name>);
      };
      this.#waiting.push({ request: { name, args }, settle });
      this.#sending ??= this.#send();
    });
  }

  close(): Promise<void> {
    this.#closing ??= (this.#sending ?? Promise.resolve()).then(() => this.#file.close());
    return this.#closing;
  }

  async #send(): Promise<void> {
    await undefined;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      const answers = await this.#answersTo(batch.map(({ request }) => request));
      for (const [at, { settle }] of batch.entries()) settle(answers[at] ?? noAnswer);
    }
    this.#sending = undefined;
  }

  async #answersTo(requests: readonly Request[]): Promise<readonly Answer[]> {
    try {
      return await this.#file.answer(requests);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return requests.map(() => ({ error: { code: 0, message } }));
    }
  }
}

const noAnswer: Answer = { error: { code: 0, message: 'it gave no answer' } };

function closed(): Fault {
  return gateFault('GATE_CLOSED', 'the gate’s store is closed');
}
