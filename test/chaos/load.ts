/** Clients that call and fire in every way, carry on when they are refused or cut off, and record each answer. */
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { Reply, Ward } from '../ward.ts';
import { type Answer, type Kind, kinds, queuedKinds, type Run } from './evidence.ts';
import type { Deployed } from './functions.ts';

/** Longer than any call can take, even with a short fault in between. */
const answerMs = 90_000;
/** Pause of a client that was refused or cut off. */
const retryMs = 50;
/** A webhook accepts five events a second. */
const webhookMs = 250;
/** Each of these calls ends its sandbox, and starts are expensive. */
const exitMs = 200;
/** Accepted calls that can wait for their run before clients hold back. */
const mostWaiting = 40;
/** Long enough that faults interrupt some of them. */
const retriedMs = 300;
/** A call that has not run after this time and as many other runs as can wait may never run. */
const waitingMs = 15_000;
/** The wait of a blocking call, in a server whose plan of the load has no other. */
export const blockingWaitMs = 1000;
/** `late` takes so many times as long. */
const lateness = 1.3;

type Call = (ward: Ward, marker: string, deployed: Deployed, waitMs: number) => Promise<Reply>;

const actions = '/api/v1/namespaces/_/actions';
const post = (path: string, body: object) => (ward: Ward) => ward.request('POST', path, { body });
const blocking = (action: string, more: object = {}): Call => {
  return (ward, marker) => post(`${actions}/${action}?blocking=true`, { marker, ...more })(ward);
};

const calls: Readonly<Record<Kind, Call>> = {
  accepted: (ward, marker) => post(`${actions}/plain`, { marker, ms: 30 })(ward),
  retried: (ward, marker) => post(`${actions}/again`, { marker, ms: retriedMs })(ward),
  blocking: blocking('plain'),
  late: (ward, marker, deployed, waitMs) =>
    blocking('plain', { ms: waitMs * lateness })(ward, marker, deployed, waitMs),
  sequence: blocking('sequence'),
  conductor: blocking('conductor'),
  firing: (ward, marker) => post('/api/v1/namespaces/_/triggers/fired', { marker })(ward),
  web: (ward, marker) => ward.request('GET', `/api/v1/web/guest/default/web.json?marker=${marker}`),
  webhook: (ward, marker, { webhook }) => post(webhook, { marker })(ward),
  logs: blocking('logs'),
  large: blocking('large'),
  fails: blocking('fails'),
  exits: blocking('exits'),
  python: blocking('python'),
};

export interface LoadPlan {
  /** Number of clients of each kind; 0 for kinds without an entry. */
  readonly clients: Partial<Record<Kind, number>>;
  /** The servers' `limits.blockingWaitMs`. */
  readonly blockingWaitMs?: number;
  /** The longest time for which a fault can keep a call waiting. */
  readonly spellMs?: number;
}

export const fullLoad: LoadPlan = {
  clients: { ...Object.fromEntries(kinds.map((kind) => [kind, 1])), accepted: 3, firing: 2 },
};
export const lightLoad: LoadPlan = {
  clients: { accepted: 2, blocking: 1, sequence: 1, firing: 1, late: 1, exits: 1 },
};

/** Faults that say that the platform has no room. */
const overloads: ReadonlySet<string> = new Set(['INVOKER_BUSY', 'INVOKERS_BUSY']);

/** Each request of this process gets a connection of its own. */
export function keepNoConnections(): void {
  const reusing = globalThis.fetch;
  // On a busy machine a server can close a kept connection just as the client uses it again.
  globalThis.fetch = (url, init = {}) => {
    const headers = new Headers(init.headers);
    headers.set('connection', 'close');
    return reusing(url, { ...init, headers });
  };
}

/** @param shareAt the part of the clients that wait for an answer of a server */
export type ChooseServer = (shareAt: (server: Ward) => number) => Ward;

export class Load {
  readonly answers: Answer[] = [];
  /** Calls that are not answered yet. */
  readonly #underWay = new Set<{ readonly kind: Kind; readonly ward: Ward }>();
  readonly #server: ChooseServer;
  readonly #deployed: Deployed;
  readonly #waitMs: number;
  readonly #answerMs: number;
  /** Number of clients. */
  readonly #total: number;
  readonly #clients: readonly Promise<void>[];
  readonly #ran: () => readonly Run[];
  /** For accepted calls that have not run, the time of the answer and the number of runs until then, by marker. */
  readonly #waiting = new Map<string, { readonly at: number; readonly runs: number }>();
  #runsSeen = 0;
  /** Markers of these runs. */
  readonly #markers = new Set<string>();
  #hear: () => void = () => {};
  #isOver = false;
  #count = 0;

  /**
   * @param server chooses the server of the next call
   * @param ran markers of all runs so far
   */
  constructor(plan: LoadPlan, server: ChooseServer, ran: () => readonly Run[], deployed: Deployed) {
    this.#server = server;
    this.#ran = ran;
    this.#deployed = deployed;
    this.#waitMs = plan.blockingWaitMs ?? blockingWaitMs;
    this.#answerMs = answerMs + (plan.spellMs ?? 0);
    this.#total = kinds.reduce((sum, kind) => sum + (plan.clients[kind] ?? 0), 0);
    this.#clients = kinds.flatMap((kind) =>
      Array.from({ length: plan.clients[kind] ?? 0 }, () => this.#goOn(kind)),
    );
  }

  /** Resolves at the next call that is answered before it has run. */
  accepted(): Promise<void> {
    return new Promise((resolve) => {
      this.#hear = resolve;
    });
  }

  isWaitingFor(server: Ward): boolean {
    return this.shareAt(server) > 0;
  }

  /** The part of the clients that wait for an answer of this server. */
  shareAt(server: Ward): number {
    return [...this.#underWay].filter(({ ward }) => ward === server).length / this.#total;
  }

  /** Number of accepted calls that have not run, and of other calls that are not answered. */
  inFlight(): { readonly accepted: number; readonly blocking: number } {
    this.#noteRuns();
    const blocking = [...this.#underWay].filter(({ kind }) => !queuedKinds.has(kind)).length;
    return { accepted: this.#waiting.size, blocking };
  }

  /** Waits for the answers to current calls. @throws the error that ended a client */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  async #goOn(kind: Kind): Promise<void> {
    while (!this.#isOver) {
      const answer = await this.#call(kind, `${kind}-${++this.#count}`);
      this.answers.push(answer);
      this.#noteRuns();
      if (answer.status === 202 && !this.#markers.has(answer.marker))
        this.#waiting.set(answer.marker, { at: answer.at, runs: this.#ran().length });
      if (answer.status === 202 && queuedKinds.has(kind)) this.#hear();
      await pause(pauseAfter(answer));
      while (!this.#isOver && this.#isFull()) await pause(retryMs);
    }
  }

  #noteRuns(): void {
    for (const { marker } of this.#ran().slice(this.#runsSeen)) {
      this.#runsSeen++;
      this.#markers.add(marker);
      this.#waiting.delete(marker);
    }
  }

  #isFull(): boolean {
    this.#noteRuns();
    const runs = this.#ran();
    for (const [marker, { at, runs: before }] of this.#waiting)
      if (Date.now() - at > waitingMs && runs.length - before > mostWaiting) this.#waiting.delete(marker);
    return this.#waiting.size > mostWaiting;
  }

  async #call(kind: Kind, marker: string): Promise<Answer> {
    const never = new AbortController();
    const late = pause(this.#answerMs, undefined, { signal: never.signal, ref: false });
    const ward = this.#server((server) => this.shareAt(server));
    const sent = { sentAt: Date.now(), via: ward.instance };
    const underWay = { kind, ward };
    this.#underWay.add(underWay);
    try {
      const reply = await Promise.race([calls[kind](ward, marker, this.#deployed, this.#waitMs), late]);
      if (reply === undefined) throw new Error(`${kind} ${marker} was not answered in ${this.#answerMs} ms`);
      return { ...answerOf(kind, marker, reply), ...sent };
    } catch (error) {
      // fetch throws this when the connection breaks or is refused.
      if (error instanceof TypeError && /fetch failed|terminated/.test(error.message))
        return { kind, marker, status: 0, at: Date.now(), ...sent };
      throw error;
    } finally {
      this.#underWay.delete(underWay);
      never.abort();
      late.catch(() => {});
    }
  }
}

function pauseAfter({ kind, status, activationId }: Answer): number {
  if (kind === 'webhook') return webhookMs;
  if (status === 0 || status >= 500 || activationId === undefined) return retryMs;
  return kind === 'exits' ? exitMs : 0;
}

function answerOf(kind: Kind, marker: string, { status, headers, body }: Reply): Answer {
  const activationId = headers.get('x-openwhisk-activation-id') ?? body?.activationId ?? undefined;
  const isLost = headers.get('x-ward-record') === 'lost';
  const text = JSON.stringify(body?.response?.result ?? body ?? '').slice(0, 300);
  const load = (loadavg()[0] ?? 0) / availableParallelism();
  const fault = headers.get('x-ward-fault') ?? '';
  const told = { isDoubtful: fault === 'STORE_ANSWER_LOST', isOverload: overloads.has(fault) };
  const refusal = status < 400 ? {} : { text, ...told, hasRetryAfter: headers.has('retry-after') };
  return { kind, marker, status, activationId, at: Date.now(), isLost, load, ...refusal };
}
