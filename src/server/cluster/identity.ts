/**
 * The identity of this node while it runs. It gets it from its own file, with a token, or from the authority in its own
 * data folder, and renews it.
 */
import {
  type ClusterDoor,
  type ClusterService,
  joinCluster,
  keepRenewed,
  type NodeIdentity,
  type NodeRole,
} from '../../cluster/index.ts';
import { type Fault, isFault, type Log, messageOf } from '../../lib/index.ts';

export interface RunningIdentity extends Disposable {
  /** The newest certificate. */
  current(): NodeIdentity;
  /** Resolves when the node is no longer in the cluster: it was removed, or could not renew its certificate in time. */
  readonly ended: Promise<Fault>;
}

interface IdentityOptions {
  readonly door: ClusterDoor;
  /** The node's file is there. */
  readonly folder: string;
  readonly role: NodeRole;
  readonly name: string;
  readonly token?: string | undefined;
  readonly log: Log;
}

/** @throws Faults of `joinCluster` */
export async function openIdentity(options: IdentityOptions): Promise<RunningIdentity> {
  const { door, folder, log } = options;
  let identity = await joinCluster(options);
  const ended = Promise.withResolvers<Fault>();
  const renewing = keepRenewed({
    ...{ door, folder, identity },
    onRenewed(renewed) {
      identity = renewed;
    },
    onTrouble: (error) =>
      log.warn({ reason: messageOf(error) }, 'cannot renew the certificate of this node; trying again'),
    onEnd: ended.resolve,
  });
  return {
    current: () => identity,
    ended: ended.promise,
    [Symbol.dispose]: () => renewing[Symbol.dispose](),
  };
}

const ownTokenMs = 60_000;

/** For a node that has the authority: it needs no token from its operator. @throws Faults of `joinCluster` */
export async function openOwnIdentity(
  service: ClusterService,
  options: Omit<IdentityOptions, 'door' | 'token'>,
): Promise<RunningIdentity> {
  const joining = { ...options, door: service };
  try {
    return await openIdentity(joining);
  } catch (error) {
    if (!isFault(error, 'IDENTITY_MISSING') && !isFault(error, 'IDENTITY_EXPIRED')) throw error;
  }
  const { role, name } = options;
  const { token } = await service.newToken({ role, name, lifeMs: ownTokenMs });
  return openIdentity({ ...joining, token });
}
