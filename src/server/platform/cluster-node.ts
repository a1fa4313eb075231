/** This server as a node of a cluster: its authority, its identity, and its place on the bus. */
import { existsSync } from 'node:fs';
import { formatBusAddresses } from '../../bus/index.ts';
import type { ClusterService } from '../../cluster/index.ts';
import type { Log } from '../../lib/index.ts';
import type { RunningIdentity } from '../cluster/identity.ts';
import type { Config } from '../config/config.ts';
import { type BusPlace, busPlace } from './bus-place.ts';
import type { Foundation } from './foundation.ts';

/** How a node joins a cluster: `--join` and `--token-file`, or `WARD_JOIN` and `WARD_JOIN_TOKEN`. */
export interface JoinRequest {
  /** Addresses of API nodes, at least one. */
  readonly urls: readonly string[];
  /** Needed only while the node has no valid certificate. */
  readonly token: string | undefined;
}

export interface ClusterNode extends Disposable {
  /** Lets nodes join. Undefined: this server does not have the authority. */
  readonly service: ClusterService | undefined;
  /** Undefined: this server is no node of a cluster. */
  readonly bus: BusPlace | undefined;
}

type Parts = Pick<Foundation, 'paths' | 'store'> & {
  readonly config: Pick<Config, 'bus' | 'node'>;
  readonly request: JoinRequest | undefined;
  readonly log: Log;
};

/**
 * Loads nothing of the cluster for a server that has neither an authority nor an address to join, nor a bus.
 * @throws Fault NODE_CLOCK_WRONG, and those of `joinCluster`
 */
export async function openClusterNode(parts: Parts): Promise<ClusterNode> {
  await refuseWrongClock(parts);
  const service = await openService(parts);
  const identity = await openOwnOrJoined(parts, service);
  void identity?.ended.then(({ message, hint }) =>
    parts.log.error({ reason: message, hint }, 'this node is no longer in the cluster'),
  );
  return {
    service,
    bus: busPlace(parts.config, identity),
    [Symbol.dispose]: () => identity?.[Symbol.dispose](),
  };
}

/** Its alarms would fire at other times than those of the other nodes. */
async function refuseWrongClock({ config, store, request }: Parts): Promise<void> {
  if (config.bus === undefined && request === undefined) return;
  const { checkClock } = await import('../../cluster/index.ts');
  const there = await store.members.now();
  checkClock(Date.now(), there);
}

async function openService({ paths, store, config }: Parts): Promise<ClusterService | undefined> {
  if (!existsSync(paths.authority)) return undefined;
  const { createClusterService, openAuthority } = await import('../../cluster/index.ts');
  const { bus, node } = config;
  return createClusterService({
    authority: openAuthority(paths.cluster),
    members: store.members,
    bus: bus && { addresses: formatBusAddresses(bus), cluster: node.cluster },
  });
}

async function openOwnOrJoined(
  { paths, config, request, log }: Parts,
  service: ClusterService | undefined,
): Promise<RunningIdentity | undefined> {
  const needsOwn = service !== undefined && config.bus?.isTls === true;
  if (request === undefined && !needsOwn) return undefined;
  const { openIdentity, openOwnIdentity } = await import('../cluster/identity.ts');
  const options = { folder: paths.cluster, role: 'api', name: config.node.name, log } as const;
  if (request === undefined) return service && openOwnIdentity(service, options);
  const [{ openAddresses }, { openHttpDoor }] = await Promise.all([
    import('../cluster/api-addresses.ts'),
    import('../cluster/http-door.ts'),
  ]);
  const door = openHttpDoor(openAddresses(request.urls), config.bus);
  return openIdentity({ ...options, door, token: request.token });
}
