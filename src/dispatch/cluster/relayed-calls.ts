/**
 * Activations that another API node has taken: follows their logs, and cancels them. The node that a caller asks does not
 * know which one that is, so it asks all. Then it follows the log at the one that has the activation, piece after piece;
 * a question can also say that the node shall end what it has. Only nodes that serve the API are asked, heard and answered:
 * an invoker can neither read a log in this way, nor put lines into one, nor end a call of another node.
 */
import { type JsonObject, randomHex } from '../../lib/index.ts';
import type { LogPiece } from '../live-log.ts';
import type { NodeReport } from '../nodes/node-report.ts';
import { RemoteLogs } from '../remote/remote-logs.ts';
import { ServedLogs } from '../service/served-logs.ts';
import { invalid } from '../wire/frames.ts';
import { parseHead } from '../wire/heads.ts';
import type { Message } from '../wire/messages.ts';
import type { OwnCalls } from './types.ts';

export interface RelayedCallsOptions {
  /** The other nodes that are heard. */
  readonly live: () => readonly NodeReport[];
  readonly isUp: () => boolean;
  readonly send: (node: string, message: Message) => void;
  readonly ownCalls: OwnCalls | undefined;
  readonly now: () => number;
}

interface Question {
  readonly activationId: string;
  /** Who has not answered yet. */
  readonly asked: Set<string>;
  readonly askedAt: number;
  readonly answer: (node: string | undefined) => void;
}

/** A node that has not answered after this time does not have the activation. */
const answerMs = 500;
/** After this time without a report, a node is lost with the logs that are followed there. */
const lostMs = 10_000;

export class RelayedCalls {
  readonly #options: RelayedCallsOptions;
  readonly #followed: RemoteLogs;
  readonly #served: ServedLogs;
  readonly #questions = new Map<string, Question>();
  readonly #silentSince = new Map<string, number>();

  constructor(options: RelayedCallsOptions) {
    this.#options = options;
    const { send, now, ownCalls } = options;
    this.#followed = new RemoteLogs({ send, now });
    this.#served = new ServedLogs({
      ...{ send, now },
      follow: (activationId, signal, { namespace }) =>
        namespace === undefined ? undefined : ownCalls?.follow(namespace, activationId, signal),
    });
  }

  /** Resolves to undefined if no other node has the activation in that namespace. */
  async follow(
    namespace: string,
    activationId: string,
    signal: AbortSignal,
  ): Promise<AsyncIterable<LogPiece> | undefined> {
    const node = await this.#ask(activationId, { namespace });
    if (node === undefined || signal.aborted) return undefined;
    return this.#followed.follow({ node, activationId, attempt: 0, namespace }, signal);
  }

  /** Resolves to false if no other node says that it has the activation in that namespace, and ends it. */
  async cancel(namespace: string, activationId: string): Promise<boolean> {
    return (await this.#ask(activationId, { namespace, cancels: true })) !== undefined;
  }

  /**
   * Takes what another node says about an activation that one of the two has taken. Returns false if it is about a job that the other node has.
   * @throws Fault MESSAGE_INVALID
   */
  take(from: string, message: Message): boolean {
    const { type } = message;
    if (type === 'line' || type === 'end') return this.#followed.take(from, message);
    if (type !== 'where' && type !== 'follow') return false;
    if (!this.#apiNodes().includes(from)) throw invalid(`'${from}' does not serve the API`);
    if (type === 'follow') this.#served.take(from, message, parseHead('follow', message.head), true);
    else this.#where(from, message);
    return true;
  }

  /** The node was heard. */
  heard(node: string): void {
    this.#silentSince.delete(node);
  }

  /** The node is not heard any more. Unless its process has ended, it may come back. */
  gone(node: string, isSilent: boolean): void {
    for (const question of this.#questions.values()) this.#denied(question, node);
    if (isSilent) return void this.#silentSince.set(node, this.#options.now());
    this.#silentSince.delete(node);
    this.#served.gone(node);
    this.#followed.gone(node);
  }

  /** Looks for what is late. Call it several times a second. */
  tick(): void {
    const now = this.#options.now();
    for (const { askedAt, answer } of this.#questions.values())
      if (now - askedAt > answerMs) answer(undefined);
    for (const [node, since] of this.#silentSince) if (now - since > lostMs) this.gone(node, false);
    this.#followed.tick();
    this.#served.tick();
  }

  close(): void {
    for (const { answer } of this.#questions.values()) answer(undefined);
    this.#served.close();
    this.#followed.close();
  }

  #apiNodes(): readonly string[] {
    return this.#options
      .live()
      .filter(({ role }) => role !== 'invoker')
      .map(({ node }) => node);
  }

  /** Returns the node that says that it has the activation. */
  async #ask(activationId: string, what: JsonObject): Promise<string | undefined> {
    const nodes = this.#apiNodes();
    if (nodes.length === 0 || !this.#options.isUp()) return undefined;
    const question = randomHex(8);
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const askedAt = this.#options.now();
    this.#questions.set(question, { activationId, asked: new Set(nodes), askedAt, answer: resolve });
    for (const node of nodes) this.#say(node, activationId, { question, ...what });
    try {
      return await promise;
    } finally {
      this.#questions.delete(question);
    }
  }

  /** Answers at once, also when a call takes a moment to end: its record says how it ended. */
  #where(from: string, { activationId, head }: Message): void {
    const { question, namespace, isHere, cancels } = parseHead('where', head);
    if (namespace !== undefined) {
      const { ownCalls } = this.#options;
      const isOwn = ownCalls?.has(namespace, activationId) === true;
      this.#say(from, activationId, { question, isHere: isOwn });
      if (isOwn && cancels === true) void ownCalls.cancel(namespace, activationId);
      return;
    }
    const open = this.#questions.get(question);
    // Another node was quicker, or this one too slow.
    if (open === undefined) return;
    if (open.activationId !== activationId || !open.asked.has(from))
      throw invalid('an answer about an activation for which it was not asked');
    if (isHere === true) open.answer(from);
    else this.#denied(open, from);
  }

  #denied({ asked, answer }: Question, node: string): void {
    if (asked.delete(node) && asked.size === 0) answer(undefined);
  }

  #say(node: string, activationId: string, head: JsonObject): void {
    this.#options.send(node, { type: 'where', activationId, attempt: 0, head, tail: Buffer.alloc(0) });
  }
}
