/** Tells the other nodes about this one: twice a second, and at once when someone new should hear it. */
import { isDeepStrictEqual } from 'node:util';
import { isFault } from '../../lib/index.ts';
import type { InvokerAbilities } from '../abilities.ts';
import { noActivation } from '../wire/frames.ts';
import type { Link } from '../wire/link.ts';
import type { Subjects } from '../wire/subjects.ts';
import { abilitiesBytes, kindOf, type NodeReport, reportHead } from './node-report.ts';

interface HeartbeatOptions {
  readonly link: Link;
  readonly subjects: Subjects;
  /** Cheap enough to call often. */
  readonly report: () => NodeReport;
}

const everyMs = 500;
/** Each pause differs by up to this share, so that the nodes of a cluster do not beat together. */
const jitter = 0.1;
/** Answers to new nodes are spread over this time. */
const soonMs = 50;

export class Heartbeat implements Disposable {
  readonly #options: HeartbeatOptions;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #known: { readonly abilities: InvokerAbilities; readonly bytes: Buffer } | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Sends a report now, and goes on with one every half second. */
  beat(): void {
    this.send();
    this.#schedule(everyMs * (1 + jitter * (2 * Math.random() - 1)));
  }

  /** Sends a report within a moment. */
  soon(): void {
    if (this.#dueAt - performance.now() > soonMs) this.#schedule(Math.random() * soonMs);
  }

  /** @param changes to what the node says of itself, for its last report */
  send(changes: Partial<NodeReport> = {}): void {
    const { link, subjects, report } = this.#options;
    const whole = { ...report(), ...changes };
    const tail = whole.invoker === undefined ? Buffer.alloc(0) : this.#bytesOf(whole.invoker.abilities);
    const send = (report: NodeReport) => {
      const message = { activationId: noActivation, attempt: 0, head: reportHead(report), tail };
      link.send(subjects.report(kindOf(whole.role), whole.node), { type: 'report', ...message });
    };
    try {
      send(whole);
    } catch (error) {
      // Long lists do not fit. Without them, the others only do less for this node in advance.
      if (!isFault(error, 'MESSAGE_TOO_LARGE')) throw error;
      send({ ...whole, kept: [], namespaces: [] });
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#dueAt = Number.NEGATIVE_INFINITY;
  }

  #schedule(inMs: number): void {
    clearTimeout(this.#timer);
    this.#dueAt = performance.now() + inMs;
    this.#timer = setTimeout(() => this.beat(), inMs);
    this.#timer.unref();
  }

  #bytesOf(abilities: InvokerAbilities): Buffer {
    const known = this.#known;
    if (known !== undefined && isDeepStrictEqual(known.abilities, abilities)) return known.bytes;
    const bytes = abilitiesBytes(abilities);
    this.#known = { abilities, bytes };
    return bytes;
  }
}
