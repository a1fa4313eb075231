/** A lease that this process takes for some work, and then keeps for as long as it can renew it. */
import { hostname } from 'node:os';
import { type Log, messageOf } from '../lib/index.ts';
import type { Lease, LeaseStore } from './types/leases.ts';

export interface LeaseKeeper extends AsyncDisposable {
  /**
   * The lease, which is taken if no other process holds it. Undefined: another one does this work. What is written
   * under it is safe even if this process sleeps: see `Store.under`.
   */
  held(): Promise<Lease | undefined>;
  /** Ends the lease, so that others need not wait for its end. */
  close(): Promise<void>;
}

export interface LeaseKeeperOptions {
  readonly leases: LeaseStore;
  /** The work. */
  readonly name: string;
  readonly log: Log;
}

/** After a process died, others wait for this long before they take over. */
export const keptLeaseMs = 30_000;
/** A renewal may be late or fail, and still be retried in time. */
const renewalsPerLease = 3;

export function keepLease(options: LeaseKeeperOptions): LeaseKeeper {
  return new Keeper(options);
}

class Keeper implements LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  #lease: Lease | undefined;
  /** By a monotonic clock: the database lets the lease run for at least as long. */
  #until = 0;
  #taking: Promise<Lease | undefined> | undefined;
  #renewing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  async held(): Promise<Lease | undefined> {
    if (this.#lease !== undefined && performance.now() < this.#until) return this.#lease;
    this.#taking ??= this.#take().finally(() => {
      this.#taking = undefined;
    });
    return this.#taking;
  }

  async close(): Promise<void> {
    // It may get the lease only now.
    await this.#taking?.catch(() => {});
    const lease = this.#lease;
    this.#forget();
    await this.#renewing;
    const { leases, name, log } = this.#options;
    await (lease && leases.drop(lease))?.catch((error: unknown) => {
      log.warn({ lease: name, reason: messageOf(error) }, 'a lease was not ended: it expires by itself');
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #take(): Promise<Lease | undefined> {
    const { leases, name } = this.#options;
    this.#forget();
    const askedAt = performance.now();
    const holder = `${hostname()} ${process.pid}`;
    const lease = await leases.take({ name, holder, ms: keptLeaseMs });
    if (lease === undefined) return undefined;
    this.#lease = lease;
    this.#until = askedAt + keptLeaseMs;
    this.#timer = setInterval(() => {
      this.#renewing ??= this.#renew(lease).finally(() => {
        this.#renewing = undefined;
      });
    }, keptLeaseMs / renewalsPerLease);
    this.#timer.unref();
    return lease;
  }

  async #renew(lease: Lease): Promise<void> {
    const { leases, name, log } = this.#options;
    const askedAt = performance.now();
    try {
      if (await leases.renew(lease, keptLeaseMs)) {
        this.#until = askedAt + keptLeaseMs;
        return;
      }
      log.warn({ lease: name }, 'a lease had ended: another server may do its work now');
      if (this.#lease === lease) this.#forget();
    } catch (error) {
      log.warn({ lease: name, reason: messageOf(error) }, 'a lease was not renewed');
    }
  }

  #forget(): void {
    clearInterval(this.#timer);
    this.#lease = undefined;
  }
}
