/**
 * How a node gets its identity: from its own file, or with a token. The token names the key of the authority, so the
 * node needs no secure connection: it refuses another authority before it uses the token.
 */
import { checkClock } from './clock.ts';
import { clusterFault, identityExpired } from './faults.ts';
import { identityFrom, isPinned, type KeptNode, type NodeIdentity, readNode, writeNode } from './identity.ts';
import { type JoinToken, parseToken } from './join-tokens.ts';
import { newNodeKey, publicDer, signText } from './keys.ts';
import { type ClusterDescription, type ClusterDoor, joinText } from './messages.ts';
import { checkNodeName, type NodeRole } from './node-names.ts';

export interface JoinOptions {
  readonly door: ClusterDoor;
  /** The node keeps its identity there. */
  readonly folder: string;
  readonly role: NodeRole;
  /** The name that the node wants, unless its token has one. */
  readonly name: string;
  /** Needed only while the node has no valid certificate. */
  readonly token?: string | undefined;
  /** This machine's clock. */
  readonly now?: () => number;
}

/**
 * Returns the node's identity. Asks the cluster for one only when the node has none that is valid.
 * @throws Fault IDENTITY_MISSING, IDENTITY_EXPIRED, IDENTITY_FOREIGN, JOIN_TOKEN_INVALID, JOIN_TOKEN_BOUND,
 * CLUSTER_FOREIGN, NODE_CLOCK_WRONG, NODE_NAME_INVALID, CLUSTER_FILE_INVALID, CLUSTER_FILE_INSECURE, and those of the
 * door
 */
export async function joinCluster(options: JoinOptions): Promise<NodeIdentity> {
  const { folder, role, now = Date.now } = options;
  const kept = readNode(folder);
  const token = options.token === undefined ? undefined : parseToken(options.token);
  if (kept?.identity !== undefined) checkIdentity(kept.identity, role, token);
  // Nodes with the database compare their clock with it themselves.
  if (kept?.identity !== undefined && role === 'invoker')
    await checkKeptClock(options.door, kept.identity, now);
  if (kept?.identity !== undefined && kept.identity.expiresAt > now()) return kept.identity;
  if (token !== undefined) return joinWith(token, kept, { ...options, now });
  if (kept?.identity !== undefined) throw identityExpired(kept.name);
  throw clusterFault('IDENTITY_MISSING', 'this node has not joined a cluster', {
    hint: 'make a token on an API node with ward node token, and start this node with it',
  });
}

async function joinWith(
  token: JoinToken,
  kept: KeptNode | undefined,
  { door, folder, role, name: wanted, now }: JoinOptions & { readonly now: () => number },
): Promise<NodeIdentity> {
  if (token.role !== role)
    throw bound(`the role ${token.role}, not ${role}`, `ward node token --role ${role}`);
  const name = checkNodeName(kept?.identity?.name ?? token.name ?? wanted);
  if (token.name !== undefined && token.name !== name)
    throw bound(`the name ${token.name}, not ${name}`, `ward node token --name ${name}`);
  const description = await door.describe();
  checkDescription(description, token, now());
  const { cluster } = token;
  const node = { cluster, name, role, key: kept?.key ?? newNodeKey() };
  await writeNode(folder, { ...node, identity: kept?.identity });
  const statement = {
    ...{ cluster, role, name, token: token.id },
    key: publicDer(node.key).toString('base64url'),
  };
  const text = joinText(statement);
  const issued = await door.join({
    ...statement,
    keyProof: signText(text, node.key),
    tokenProof: signText(text, token.key),
  });
  const identity = identityFrom(node, issued, description);
  await writeNode(folder, { ...node, identity });
  return identity;
}

/** A folder is for one node of one cluster. */
function checkIdentity(identity: NodeIdentity, role: NodeRole, token: JoinToken | undefined): void {
  const cluster = token?.cluster ?? identity.cluster;
  if (identity.role === role && identity.cluster === cluster) return;
  const has = `the ${identity.role} ${identity.name} of cluster ${identity.cluster}`;
  throw clusterFault('IDENTITY_FOREIGN', `the data folder has the identity of ${has}`, {
    hint: 'use another data folder; or remove cluster/node.json in it, if that node is no longer needed',
  });
}

/** With a wrong clock, API nodes refuse its requests. A cluster that can't be asked, or is another one, shows later. */
async function checkKeptClock(
  door: ClusterDoor,
  { cluster }: NodeIdentity,
  now: () => number,
): Promise<void> {
  const description = await door.describe().catch(() => undefined);
  if (description?.cluster === cluster) checkClock(now(), description.now);
}

function checkDescription({ cluster, authority, now }: ClusterDescription, token: JoinToken, here: number) {
  if (!isPinned(authority, token.pin) || cluster !== token.cluster) {
    throw clusterFault('CLUSTER_FOREIGN', 'the server does not have the authority that the token names', {
      hint: 'check the address: it may be another cluster, or something in between may answer for it',
    });
  }
  checkClock(here, now);
}

function bound(terms: string, command: string) {
  return clusterFault('JOIN_TOKEN_BOUND', `the token is for ${terms}`, {
    hint: `make another one: ${command}`,
  });
}
