/**
 * How many certificates Ward orders for domains within 24 hours. Tenants decide when a domain comes and goes, and an authority
 * counts what the server orders: so each namespace has a limit, and all together have one, which the server's own names don't
 * count in. The orders are in the database, under the name of the namespace: servers, restarts, and deleted domains change nothing.
 */
import { z } from 'zod';
import type { AcmeStore } from '../../store/index.ts';
import type { OrdersPerDay } from '../config/tls-setting.ts';

const kind = 'orders';
const dayMs = 86_400_000;
/** Clocks of servers differ. */
const keptDays = 2;

/** Of a date in UTC: each namespace, and when Ward ordered for it. Earlier versions wrote other fields, which don't count. */
const document = z.object({ orders: z.array(z.tuple([z.string(), z.int()])).default([]) });
type Order = z.infer<typeof document>['orders'][number];

export interface OrderRefusal {
  /** In words for tenants. */
  readonly reason: string;
  /** When an order counts no longer, in epoch milliseconds. */
  readonly endsAt: number;
}

/** What was ordered in the 24 hours before a moment. */
export class RecentOrders {
  readonly #limits: OrdersPerDay;
  readonly #now: number;
  /** The oldest first. Undefined: they can't be read, so nothing is ordered. */
  readonly #orders: readonly Order[] | undefined;

  constructor(limits: OrdersPerDay, now: number, orders: readonly Order[] | undefined) {
    this.#limits = limits;
    this.#now = now;
    this.#orders = orders?.filter(([, at]) => at > now - dayMs).toSorted(([, a], [, b]) => a - b);
  }

  of(namespace: string): number {
    return this.#ofNamespace(namespace).length;
  }

  /** Why Ward orders nothing more for the namespace now. Undefined: it does. */
  refusal(namespace: string): OrderRefusal | undefined {
    const { namespace: most, all } = this.#limits;
    const own = this.#ofNamespace(namespace);
    if (own.length >= most) {
      const reason = `the namespace has used up its ${most} orders of certificates in 24 hours`;
      return { reason, endsAt: this.#freeAt(own, most) };
    }
    if (this.#orders !== undefined && this.#orders.length < all) return undefined;
    const reason = 'the namespaces of this server have used up all orders of certificates in 24 hours';
    return { reason, endsAt: this.#freeAt(this.#orders ?? [], all) };
  }

  #ofNamespace(namespace: string): readonly Order[] {
    return this.#orders?.filter(([name]) => name === namespace) ?? [];
  }

  /** When fewer than `most` of these count. A limit of 0 may be another one tomorrow, and what can't be read is gone by then. */
  #freeAt(orders: readonly Order[], most: number): number {
    const last = orders[orders.length - most];
    return (last?.[1] ?? this.#now) + dayMs;
  }
}

export class OrderBudget {
  readonly #acme: AcmeStore;
  readonly #limits: OrdersPerDay;

  constructor(acme: AcmeStore, limits: OrdersPerDay) {
    this.#acme = acme;
    this.#limits = limits;
  }

  async recent(): Promise<RecentOrders> {
    return (await this.#read(Date.now())).recent;
  }

  /** Counts an order. False, and nothing is counted, when the namespace has used up its orders. */
  async take(namespace: string): Promise<boolean> {
    const now = Date.now();
    for (;;) {
      const { recent, today, revision } = await this.#read(now);
      if (recent.refusal(namespace) !== undefined) return false;
      const row = { kind, name: dateOf(now), document: { orders: [...today, [namespace, now]] } } as const;
      if (await this.#acme.put(row, revision)) return true;
    }
  }

  async forgetOld(): Promise<void> {
    const first = dateOf(Date.now() - keptDays * dayMs);
    for (const { name } of await this.#acme.list(kind)) if (name < first) await this.#acme.delete(kind, name);
  }

  async #read(now: number) {
    // The clock of another server may be on another date. One that is further off must not hold up orders.
    const dates = [-1, 0, 1].map((days) => dateOf(now + days * dayMs));
    const rows = (await this.#acme.list(kind)).filter(({ name }) => dates.includes(name));
    const read = rows.map((row) => ({ ...row, orders: document.safeParse(row.document).data?.orders }));
    const isComplete = read.every(({ orders }) => orders !== undefined);
    const orders = isComplete ? read.flatMap((row) => row.orders ?? []) : undefined;
    const today = read.find(({ name }) => name === dateOf(now));
    return {
      recent: new RecentOrders(this.#limits, now, orders),
      today: today?.orders ?? [],
      revision: today?.revision ?? null,
    };
  }
}

function dateOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
