/**
 * Opens the bus and joins the cluster. The code for that is loaded here, so that a Ward without a bus does not load
 * it.
 */
import { type BusAddresses, type BusIdentity, openBus } from '../../bus/index.ts';
import type { Cluster, ClusterOptions } from './types.ts';

export interface OpenClusterOptions extends Omit<ClusterOptions, 'bus' | 'directory'> {
  readonly addresses: BusAddresses;
  /** What this node shows to servers of the bus over TLS. */
  readonly identity?: (() => BusIdentity) | undefined;
}

/** @throws Fault NODE_NAME_TAKEN, NODE_NAME_INVALID */
export async function openCluster(options: OpenClusterOptions): Promise<Cluster> {
  const { node, cluster, log, addresses, identity, invoker } = options;
  const [{ joinCluster }, { createInvokerDirectory }, { defaultMessageLimits }] = await Promise.all([
    import('./cluster.ts'),
    import('../placement/directory.ts'),
    import('../wire/messages.ts'),
  ]);
  await using stack = new AsyncDisposableStack();
  const name = `ward ${cluster} ${node}`;
  const bus = stack.use(
    await openBus({ addresses, name, identity, messageBytes: defaultMessageLimits.frameBytes, log }),
  );
  const directory = createInvokerDirectory({ localNode: invoker && node });
  const joined = stack.use(await joinCluster({ ...options, bus, directory }));
  const opened = stack.move();
  return { ...joined, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
