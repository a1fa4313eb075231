/**
 * How many certificates Ward orders for domains on a day. Tenants decide when a domain comes and goes, and an authority counts
 * what the server orders: so each namespace has a limit, and all together have one, which the server's own names don't count in.
 * The counts are in the database, under the name of the namespace: servers, restarts, and deleted domains change nothing.
 */
import { z } from 'zod';
import type { AcmeStore } from '../../store/index.ts';
import type { OrdersPerDay } from '../config/tls-setting.ts';

const kind = 'orders';
const dayMs = 86_400_000;
/** Clocks of servers differ. */
const keptDays = 2;

/** Pairs, because a namespace may have the name of a property. */
const document = z.object({ counts: z.array(z.tuple([z.string(), z.int().min(1)])) });
type Counts = ReadonlyMap<string, number>;

/** What was ordered on one day, from midnight to midnight UTC. */
export class DayOfOrders {
  /** Epoch milliseconds. */
  readonly endsAt: number;
  readonly #limits: OrdersPerDay;
  /** Undefined: they can't be read, so nothing is ordered. */
  readonly #counts: Counts | undefined;

  constructor(limits: OrdersPerDay, now: number, counts: Counts | undefined) {
    this.#limits = limits;
    this.endsAt = (Math.floor(now / dayMs) + 1) * dayMs;
    this.#counts = counts;
  }

  of(namespace: string): number {
    return this.#counts?.get(namespace) ?? 0;
  }

  /** Why Ward orders nothing more for the namespace on this day, in words for tenants. Undefined: it does. */
  refusal(namespace: string): string | undefined {
    const { namespace: most, all } = this.#limits;
    if (this.of(namespace) >= most)
      return `the namespace has used up its ${most} orders of certificates for this day (UTC)`;
    if (this.#counts !== undefined && sum(this.#counts) < all) return undefined;
    return 'the namespaces of this server have used up all orders of certificates for this day (UTC)';
  }
}

export class OrderBudget {
  readonly #acme: AcmeStore;
  readonly #limits: OrdersPerDay;

  constructor(acme: AcmeStore, limits: OrdersPerDay) {
    this.#acme = acme;
    this.#limits = limits;
  }

  async today(): Promise<DayOfOrders> {
    return (await this.#read(Date.now())).day;
  }

  /** Counts an order. False, and nothing is counted, when the namespace has used up its orders. */
  async take(namespace: string): Promise<boolean> {
    const now = Date.now();
    for (;;) {
      const { day, counts = new Map(), revision } = await this.#read(now);
      if (day.refusal(namespace) !== undefined) return false;
      const next = new Map(counts).set(namespace, day.of(namespace) + 1);
      const row = { kind, name: dateOf(now), document: { counts: [...next] } } as const;
      if (await this.#acme.put(row, revision)) return true;
    }
  }

  async forgetOld(): Promise<void> {
    const first = dateOf(Date.now() - keptDays * dayMs);
    for (const { name } of await this.#acme.list(kind)) if (name < first) await this.#acme.delete(kind, name);
  }

  async #read(now: number) {
    const row = await this.#acme.get(kind, dateOf(now));
    const counts = row === undefined ? new Map<string, number>() : countsIn(row.document);
    return { day: new DayOfOrders(this.#limits, now, counts), counts, revision: row?.revision ?? null };
  }
}

function countsIn(stored: unknown): Counts | undefined {
  const { data } = document.safeParse(stored);
  return data && new Map(data.counts);
}

function sum(counts: Counts): number {
  return counts.values().reduce((total, count) => total + count, 0);
}

function dateOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
