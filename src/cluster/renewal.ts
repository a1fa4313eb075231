/** Renews a node's certificate after half of its life. If that fails, it tries again until the certificate expires. */
import { X509Certificate } from 'node:crypto';
import { type Fault, isFault } from '../lib/index.ts';
import { identityExpired } from './faults.ts';
import { identityFrom, type NodeIdentity, writeNode } from './identity.ts';
import { signText } from './keys.ts';
import { type ClusterDoor, renewalText } from './messages.ts';

interface RenewalOptions {
  readonly door: ClusterDoor;
  readonly folder: string;
  readonly identity: NodeIdentity;
  /** The pause after a failed try; by default a part of the certificate's life: half an hour of 24. */
  readonly retryMs?: number;
  /** The next connections of the node use the new certificate. */
  onRenewed(identity: NodeIdentity): void;
  /** A try has failed. */
  onTrouble(error: unknown): void;
  /** The node is no longer in the cluster: it was removed, or its certificate has expired. */
  onEnd(reason: Fault): void;
}

const retryShare = 1 / 48;

/** Asks for a new certificate now, and keeps it. @throws Fault NODE_REMOVED, IDENTITY_EXPIRED, and those of the door */
export async function renewIdentity(
  door: ClusterDoor,
  folder: string,
  identity: NodeIdentity,
): Promise<NodeIdentity> {
  const { fingerprint256 } = new X509Certificate(identity.certificate);
  const keyProof = signText(renewalText(identity.cluster, fingerprint256), identity.key);
  const issued = await door.renew({ certificate: identity.certificate, keyProof });
  const renewed = identityFrom(identity, issued, identity);
  await writeNode(folder, { ...renewed, identity: renewed });
  return renewed;
}

/** Runs until it is disposed, or until `onEnd`. */
export function keepRenewed(options: RenewalOptions): Disposable {
  let { identity } = options;
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const wait = (ms: number) => {
    if (isOver) return;
    timer = setTimeout(() => void renew(), Math.max(0, ms));
    timer.unref();
  };
  const end = (reason: Fault) => {
    if (!isOver) options.onEnd(reason);
    isOver = true;
  };
  const renew = async () => {
    try {
      identity = await renewIdentity(options.door, options.folder, identity);
      if (isOver) return;
      options.onRenewed(identity);
      wait(dueIn(identity));
    } catch (error) {
      if (isOver) return;
      if (isFault(error, 'NODE_REMOVED')) return end(error);
      options.onTrouble(error);
      if (Date.now() >= identity.expiresAt) return end(identityExpired(identity.name));
      wait(options.retryMs ?? lifeOf(identity) * retryShare);
    }
  };
  wait(dueIn(identity));
  return {
    [Symbol.dispose]() {
      isOver = true;
      clearTimeout(timer);
    },
  };
}

/** Until half of its life is over. */
function dueIn(identity: NodeIdentity): number {
  return identity.expiresAt - lifeOf(identity) / 2 - Date.now();
}

function lifeOf({ certificate, expiresAt }: NodeIdentity): number {
  return expiresAt - new X509Certificate(certificate).validFromDate.getTime();
}
