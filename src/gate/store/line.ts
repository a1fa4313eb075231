/**
 * Batches requests to the gate's database: requests of one turn go together, and later ones wait for the answers. So
 * verdicts that come together share a commit.
 */
import { type Fault, isFault, messageOf } from '../../lib/index.ts';
import { gateFault } from '../faults.ts';
import type { ArgumentsOf, OperationName, Request, ResultOf } from './requests.ts';

/** Where the gate's tables are. */
export interface Database {
  /** Answers each request, in order. Rejects when all of them fail. */
  answer(requests: readonly Request[]): Promise<readonly Outcome[]>;
  close(): Promise<void>;
}

export type Outcome = { readonly value: unknown } | { readonly fault: Fault };

interface Waiting {
  readonly request: Request;
  readonly settle: (outcome: Outcome) => void;
}

/** By then a restarted Ward serves again. */
const backMs = 5000;

export class Line {
  readonly #database: Database;
  #waiting: Waiting[] = [];
  #sending: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @throws Fault those of `GateStore` */
  ask<Name extends OperationName>(name: Name, ...args: ArgumentsOf<Name>): Promise<ResultOf<Name>> {
    if (this.#closing !== undefined) return Promise.reject(closed());
    return new Promise((resolve, reject) => {
      const settle = (outcome: Outcome) => {
        if ('fault' in outcome) reject(outcome.fault);
        // The operation's name determines the type of its result.
        else resolve(outcome.value as ResultOf<Name>);
      };
      this.#waiting.push({ request: { name, args }, settle });
      this.#sending ??= this.#send();
    });
  }

  close(): Promise<void> {
    this.#closing ??= (this.#sending ?? Promise.resolve()).then(() => this.#database.close());
    return this.#closing;
  }

  async #send(): Promise<void> {
    await undefined;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      const outcomes = await this.#outcomesOf(batch.map(({ request }) => request));
      for (const [at, { settle }] of batch.entries()) settle(outcomes[at] ?? failed('it gave no answer'));
    }
    this.#sending = undefined;
  }

  async #outcomesOf(requests: readonly Request[]): Promise<readonly Outcome[]> {
    try {
      return await this.#database.answer(requests);
    } catch (error) {
      const outcome = isFault(error) ? { fault: error } : failed(messageOf(error), error);
      return requests.map(() => outcome);
    }
  }
}

function failed(why: string, cause?: unknown): Outcome {
  return { fault: gateFault('GATE_STORE_FAILED', `the gate’s database failed: ${why}`, { cause }) };
}

function closed(): Fault {
  return gateFault('GATE_CLOSED', 'Ward is being stopped, and has closed the gate’s store', {
    hint: 'try again when it runs',
    retryAfterMs: backMs,
  });
}
