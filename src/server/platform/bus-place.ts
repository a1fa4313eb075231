/** Where this node talks to the others, and as whom: from the settings, or from the cluster that it has joined. */
import { type BusAddresses, type BusIdentity, parseBusAddresses } from '../../bus/index.ts';
import type { NodeIdentity } from '../../cluster/index.ts';
import type { RunningIdentity } from '../cluster/identity.ts';
import type { Config } from '../config/config.ts';

export interface BusPlace {
  readonly addresses: BusAddresses;
  readonly cluster: string;
  readonly node: string;
  /** The certificate for connections over TLS. */
  readonly identity: (() => BusIdentity) | undefined;
}

/** Undefined: this server is no node of a cluster. The setting `bus` wins over the cluster's: addresses can differ. */
export function busPlace(
  { bus, node }: Pick<Config, 'bus' | 'node'>,
  identity: Pick<RunningIdentity, 'current'> | undefined,
): BusPlace | undefined {
  const joined = identity?.current();
  const addresses = bus ?? (joined?.bus ? parseBusAddresses(joined.bus.addresses) : undefined);
  if (addresses === undefined) return undefined;
  return {
    addresses,
    cluster: joined?.bus?.cluster ?? node.cluster,
    node: joined?.name ?? node.name,
    identity: identity && (() => shown(identity.current())),
  };
}

function shown({ certificate, key, authority }: NodeIdentity): BusIdentity {
  return { certificate, authority, key: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}
