/** What an attacker has who has taken over this machine, if it is an invoker of a cluster. */
import { proofHeader } from '../../api/index.ts';
import { type NodeIdentity, readNode } from '../../cluster/index.ts';
import type { TakenNode } from '../../prover/index.ts';
import { actAsOwner } from '../admin/act-as.ts';
import { openAddresses } from '../cluster/api-addresses.ts';
import { openHttpDoor } from '../cluster/http-door.ts';
import type { Config } from '../config/config.ts';
import { dataPaths } from '../instance/instance.ts';
import { busPlace } from '../platform/bus-place.ts';

const timeoutMs = 15_000;

/**
 * Returns why there is none, on another machine.
 * @param join the address of an API node @throws Fault CLUSTER_FILE_INVALID, CLUSTER_FILE_INSECURE, CLUSTER_UNREACHABLE
 */
export function takenNode(config: Config, join: string | undefined): TakenNode | string {
  const identity = ownIdentity(config.dataDir);
  if (identity === undefined) return 'this machine has no certificate of a node of a cluster';
  if (identity.role !== 'invoker') return 'this node serves the API, so it may do this: try it on an invoker';
  const place = busPlace(config, { current: () => identity });
  if (place?.identity === undefined) return 'this node does not know where the bus of its cluster is';
  return {
    identity,
    shown: place.identity(),
    bus: place,
    api: join === undefined ? undefined : wayTo(join, config.bus),
    token: process.env['WARD_JOIN_TOKEN'],
  };
}

/** Its file belongs to the server's user. */
function ownIdentity(dataDir: string): NodeIdentity | undefined {
  using _acting = actAsOwner(dataDir);
  return readNode(dataPaths(dataDir).cluster)?.identity;
}

function wayTo(join: string, bus: Config['bus']): NonNullable<TakenNode['api']> {
  const addresses = openAddresses([join]);
  return {
    door: openHttpDoor(addresses, bus),
    get: (path, proof) =>
      addresses.use(async (url) => {
        const { status, body } = await fetch(`${url}${path}`, {
          ...{ redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) },
          headers: { [proofHeader]: proof },
        });
        await body?.cancel();
        return status;
      }),
  };
}
