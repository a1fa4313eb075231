/**
 * The operator's orders to nodes: to take no new work, or to take some again. Nodes with the database read them there
 * and tell the others over the bus, until their reports say that they have them. The time of an order decides, so it
 * does not matter who tells it, how often, or how late.
 */
import type { DrainOrder } from '../types.ts';
import type { NodeReport } from './node-report.ts';

export class DrainOrders {
  readonly #self: string;
  #known: ReadonlyMap<string, DrainOrder> = new Map();
  #own: DrainOrder | undefined;

  constructor(self: string) {
    this.#self = self;
  }

  /** The order that this node follows. */
  get own(): DrainOrder | undefined {
    return this.#own;
  }

  /** Takes an order to this node. False when it has a later one, or this one. */
  take(order: DrainOrder): boolean {
    if (this.#own !== undefined && this.#own.at >= order.at) return false;
    this.#own = order;
    return true;
  }

  /** Takes all orders of the database. True when this node got a new one. */
  know(orders: ReadonlyMap<string, DrainOrder>): boolean {
    this.#known = orders;
    const own = orders.get(this.#self);
    return own !== undefined && this.take(own);
  }

  /** The order that the node does not have yet. */
  missingAt({ node, order }: Pick<NodeReport, 'node' | 'order'>): DrainOrder | undefined {
    const known = this.#known.get(node);
    return known !== undefined && known.at > (order?.at ?? Number.NEGATIVE_INFINITY) ? known : undefined;
  }
}
