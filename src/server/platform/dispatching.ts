/** What runs the actions of a server: the invoker in its process, those of other nodes, or both. */
import {
  type Cluster,
  createLimitShare,
  type Dispatcher,
  type LimitShare,
  openCluster,
} from '../../dispatch/index.ts';
import type { Invoker } from '../../invoker/index.ts';
import type { Fault } from '../../lib/index.ts';
import { buildInfo } from '../build-info.ts';
import { countTakers, readOrders, startNodeBook } from '../cluster/node-book.ts';
import { serverFault } from '../faults.ts';
import type { GuardedImages } from '../gate/guarded-images.ts';
import type { BusPlace } from './bus-place.ts';
import { type BusReach, type BusWatch, knowsInvokers, watchBus } from './bus-watch.ts';
import type { Context } from './context.ts';
import type { Foundation } from './foundation.ts';
import { type InvokerParts, openInvoker } from './sandboxes.ts';

export interface Dispatching extends AsyncDisposable {
  readonly dispatcher: Dispatcher;
  /** The part of each limit of a namespace that this node allows. Undefined: all of it. */
  readonly limitShare: LimitShare | undefined;
  /** Tells the other servers that the store was changed. Undefined: there are none. */
  readonly tellChanged: (() => void) | undefined;
  /** Follows the log of an activation that another server has taken. Undefined: there are none. */
  readonly followElsewhere: Cluster['followElsewhere'] | undefined;
  readonly cancelElsewhere: Cluster['cancelElsewhere'] | undefined;
  /** Whether it reaches invokers. Undefined: it has one, or no bus. */
  readonly reach: (() => BusReach) | undefined;
  /** Resolves when another process has this node's name. Undefined without a bus. */
  readonly ended: Promise<Fault> | undefined;
  /** Takes no more jobs of other nodes. */
  takeNoMore(): void;
}

const alone = {
  ...{
    limitShare: undefined,
    tellChanged: undefined,
    followElsewhere: undefined,
    cancelElsewhere: undefined,
    reach: undefined,
    ended: undefined,
  },
  takeNoMore() {},
  [Symbol.asyncDispose]: async () => {},
};

/** The rooms of a server, with what they need. */
export type Equipped =
  | ({ readonly role: 'all' } & Pick<InvokerParts, 'ground' | 'images'>)
  /** @param dispatcher undefined: the nodes on the bus */
  | { readonly role: 'api'; readonly dispatcher?: Dispatcher | undefined };

interface DispatchingParts extends Omit<InvokerParts, 'ground' | 'images'> {
  readonly foundation: Pick<Foundation, 'store'>;
  readonly guarded: Pick<GuardedImages, 'revisions'>;
}

/** @throws Fault NODE_NAME_TAKEN, NODE_NAME_INVALID, ROLE_REFUSED */
export async function openDispatching(
  context: Context,
  equipped: Equipped,
  bus: BusPlace | undefined,
  parts: DispatchingParts,
): Promise<Dispatching> {
  if (equipped.role === 'api') {
    const { dispatcher } = equipped;
    if (dispatcher === undefined) return await openNode(context, { ...parts, bus, invoker: undefined });
    return { dispatcher, ...alone };
  }
  await using stack = new AsyncDisposableStack();
  const { ground, images } = equipped;
  const { foundation: _, guarded: __, ...invoking } = parts;
  const invoker = stack.use(await openInvoker(context, { ...invoking, ground, images }));
  context.events.sandboxViolated = invoker.violated;
  const node = stack.use(await openNode(context, { ...parts, bus, invoker }));
  const opened = stack.move();
  return { ...node, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

interface NodeParts extends Pick<DispatchingParts, 'foundation' | 'guarded' | 'onViolation'> {
  readonly bus: BusPlace | undefined;
  readonly invoker: Invoker | undefined;
}

/** A node of a cluster, if there is a bus. */
async function openNode(
  { config, limits: { resultBytes }, events, figures, log }: Context,
  { bus, invoker, foundation, guarded, onViolation }: NodeParts,
): Promise<Dispatching> {
  if (bus === undefined) {
    if (invoker === undefined)
      throw serverFault('ROLE_REFUSED', 'without the setting bus, nothing runs actions');
    // The invoker has its own owner.
    return { dispatcher: invoker, ...alone };
  }
  const { clusterNodes: nodes } = foundation.store;
  await using stack = new AsyncDisposableStack();
  let watch: BusWatch | undefined;
  const cluster = stack.use(
    await openCluster({
      ...bus,
      ...{ role: invoker === undefined ? 'api' : 'all', version: buildInfo.buildno, invoker, log },
      ...{ resultBytes, onViolation, drainMs: config.stop.drainMs },
      onChanged: () => events.storeChanged(),
      ownCalls: {
        has: (...of) => events.ownCalls.has(...of),
        cancel: (...of) => events.ownCalls.cancel(...of),
        follow: (...of) => events.ownCalls.follow(...of),
      },
      judges: guarded.revisions,
      isAlone: () => watch?.isAlone() === true,
      orders: await readOrders(nodes),
    }),
  );
  const book = stack.use(startNodeBook({ nodes, cluster, self: bus.node, log }));
  figures.watchNodes(cluster.heard);
  figures.watchMessages(cluster.counts);
  const noted = await nodes.list();
  const heardElsewhere = () => book.invokerHeardAt();
  if (invoker === undefined)
    watch = stack.use(watchBus({ cluster, knowsInvokers: knowsInvokers(noted), heardElsewhere, log }));
  const known = countTakers(noted, bus.node);
  const opened = stack.move();
  return {
    dispatcher: cluster.dispatcher,
    tellChanged: cluster.changed,
    followElsewhere: cluster.followElsewhere,
    cancelElsewhere: cluster.cancelElsewhere,
    reach: watch?.reach,
    ended: cluster.ended,
    takeNoMore: cluster.takeNoMore,
    limitShare: createLimitShare({
      heard: () => 1 + cluster.apiNodes(),
      before: cluster.apiNodesBefore,
      noted: book.takers,
      ...{ isHearing: cluster.isUp, known },
    }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
