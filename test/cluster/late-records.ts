/**
 * Watches when PostgreSQL has the record of a call that was answered with a result: 5 s after the answer at the latest.
 * The time of a fault, and 3 s after it, do not count; that of a fault of one node only for the calls to it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { type Answer, type Kill, struck, type Violation } from '../chaos/evidence.ts';
import { busyLoad, explainedMs, type FaultSpan } from './spans.ts';

const mostMs = 5000;
const everyMs = 200;
/** For this time the last records are waited for. */
const lastMs = mostMs + 1000;

/** A call whose record was missing when the database was last asked. */
interface Missing {
  readonly answer: Answer;
  readonly lastMissingAt: number;
}

export class RecordWatch {
  /** Number of records that were seen. */
  seen = 0;
  readonly #url: string;
  readonly #answers: readonly Answer[];
  readonly #watching: Promise<void>;
  /** By activation. */
  readonly #missing = new Map<string, Missing>();
  readonly #late: Missing[] = [];
  #read = 0;
  #isOver = false;

  /** @param url of the database. @param answers grow meanwhile */
  constructor(url: string, answers: readonly Answer[]) {
    this.#url = url;
    this.#answers = answers;
    this.#watching = this.#goOn();
  }

  /** Waits a moment for the last records. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#watching;
  }

  late(spans: readonly FaultSpan[], kills: readonly Kill[]): readonly Violation[] {
    const all = [...this.#late, ...this.#missing.values()];
    return all.flatMap((each) => judgeLateness(each, spans, kills));
  }

  async #goOn(): Promise<void> {
    let over: number | undefined;
    while (over === undefined || (this.#missing.size > 0 && performance.now() < over)) {
      if (this.#isOver) over ??= performance.now() + lastMs;
      await this.#look().catch(() => {});
      await pause(everyMs);
    }
  }

  async #look(): Promise<void> {
    for (; this.#read < this.#answers.length; this.#read++) {
      const answer = this.#answers[this.#read];
      if (answer?.status !== 200 || answer.activationId === undefined || answer.isLost === true) continue;
      this.#missing.set(answer.activationId, { answer, lastMissingAt: answer.at });
    }
    const asked = [...this.#missing.keys()];
    if (asked.length === 0) return;
    const at = Date.now();
    const there = await this.#recorded(asked);
    for (const id of asked) {
      const missing = this.#missing.get(id);
      if (missing === undefined) continue;
      if (!there.has(id)) this.#missing.set(id, { ...missing, lastMissingAt: at });
      else {
        this.#missing.delete(id);
        this.seen++;
        if (missing.lastMissingAt - missing.answer.at > mostMs) this.#late.push(missing);
      }
    }
  }

  async #recorded(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const client = new pg.Client({ connectionString: this.#url, connectionTimeoutMillis: 1000 });
    client.on('error', () => {});
    try {
      await client.connect();
      const sql = 'select activation_id as id from activations where activation_id = any($1)';
      const { rows } = await client.query<{ id: string }>(sql, [ids]);
      return new Set(rows.map(({ id }) => id));
    } finally {
      await client.end().catch(() => {});
    }
  }
}

export function judgeLateness(
  { answer, lastMissingAt }: Missing,
  spans: readonly FaultSpan[],
  kills: readonly Kill[],
): readonly Violation[] {
  const { at: from, via } = answer;
  const lateMs = lastMissingAt - from - explainedMs({ from, to: lastMissingAt, via }, spans);
  // A kill can take the record away, which is judged elsewhere.
  const isUnkept = kills.some((kill) => struck(kill, answer.via) && Math.abs(kill.at - answer.at) < mostMs);
  if (lateMs <= mostMs || isUnkept || (answer.load ?? 0) > busyLoad) return [];
  return [
    {
      rule: 'a late record',
      what: `${answer.activationId} of ${answer.kind} ${answer.marker}: ${lateMs} ms after the answer`,
    },
  ];
}
