/**
 * This server's lease in the accepted queue. While it runs, the server owns the calls that it accepts, and no other
 * server touches them. It is renewed in the background. When it ends at a stop, other servers may take the remaining
 * calls.
 */
import { type Log, messageOf, newId, withTimeout } from '../../lib/index.ts';
import type { AcceptedQueue } from '../../store/index.ts';

export interface QueueLease {
  /** The name under which this server owns calls. New at each start. */
  readonly node: string;
  /** Resolves when the lease runs. Rejects if that cannot be written. */
  held(): Promise<void>;
  /** Gives up a call: others may adopt it after the next renewal. */
  giveUp(activationId: string): void;
  /** Calls `look` after each renewal, one call at a time, unless another server may have seen the lease end. */
  onRenewed(look: () => Promise<unknown>): void;
  /** Ends the lease. Call it when nothing is under way any more, and before the store is closed. */
  close(): Promise<void>;
}

export interface QueueLeaseOptions {
  readonly accepted: Pick<AcceptedQueue, 'extend' | 'endOtherLeases' | 'leave' | 'release'>;
  /** No other server works on the store, so calls of earlier servers are free at once. */
  readonly isAlone: boolean;
  /** Default: depends on `isAlone`. */
  readonly leaseMs?: number;
  readonly log: Log;
}

/** After a server died, others wait this long before they adopt its calls. */
const sharedLeaseMs = 10_000;
/** No one waits for the end of this one, and each renewal writes to the disk. */
const aloneLeaseMs = 3_600_000;
/** A renewal may be late or fail, and still be retried in time. */
const renewalsPerLease = 3;
/** Limit for ending the lease when another process holds the database. A lease that is not ended expires. */
const leaveMs = 1000;

export function createQueueLease(options: QueueLeaseOptions): QueueLease {
  return new HeldLease(options);
}

class HeldLease implements QueueLease {
  readonly node = newId();
  readonly #options: QueueLeaseOptions;
  readonly #leaseMs: number;
  readonly #givenUp = new Set<string>();
  #beginning: Promise<void> | undefined;
  #renewing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #look: (() => Promise<unknown>) | undefined;
  #looking: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: QueueLeaseOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? (options.isAlone ? aloneLeaseMs : sharedLeaseMs);
  }

  async held(): Promise<void> {
    // Calls accepted after its end are for other servers.
    if (this.#isClosed) return;
    this.#beginning ??= this.#begin().catch((error: unknown) => {
      this.#beginning = undefined;
      throw error;
    });
    await this.#beginning;
  }

  giveUp(activationId: string): void {
    this.#givenUp.add(activationId);
  }

  onRenewed(look: () => Promise<unknown>): void {
    this.#look = look;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await withTimeout(this.#leave(), leaveMs, () => undefined);
  }

  async #leave(): Promise<void> {
    const begun = await this.#beginning?.then(
      () => true,
      () => false,
    );
    clearInterval(this.#timer);
    await this.#renewing;
    if (begun !== true) return;
    await this.#options.accepted.leave(this.node).catch((error: unknown) => {
      this.#options.log.warn({ reason: messageOf(error) }, 'the lease on accepted calls was not ended');
    });
  }

  async #begin(): Promise<void> {
    const { accepted, isAlone } = this.#options;
    await accepted.extend({ node: this.node, leaseMs: this.#leaseMs });
    if (isAlone) await accepted.endOtherLeases(this.node);
    this.#timer = setInterval(() => {
      this.#renewing ??= this.#renew().finally(() => {
        this.#renewing = undefined;
      });
    }, this.#leaseMs / renewalsPerLease);
    this.#timer.unref();
  }

  async #renew(): Promise<void> {
    const { accepted, isAlone, log } = this.#options;
    try {
      const hadEnded = !(await accepted.extend({ node: this.node, leaseMs: this.#leaseMs }));
      if (hadEnded && !isAlone) {
        // For example after the machine slept. Gives other servers time to renew theirs as well.
        log.warn('the lease on accepted calls had ended: another server may have taken them over');
        return;
      }
      for (const activationId of this.#givenUp) {
        await accepted.release(activationId, this.node);
        this.#givenUp.delete(activationId);
      }
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'the lease on accepted calls was not renewed');
      return;
    }
    // Not awaited, because what it finds may run for long.
    this.#looking ??= this.#look?.()
      .then(() => {})
      .catch((error: unknown) => log.error({ err: error }, 'could not resume accepted invocations'))
      .finally(() => {
        this.#looking = undefined;
      });
  }
}
