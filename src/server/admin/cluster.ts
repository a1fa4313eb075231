/** The operator's work on the identities of a cluster, on an API node that has its authority. */
import { join } from 'node:path';
import { writeFileAtomically } from '../../blobs/index.ts';
import {
  type Authority,
  type BusNode,
  checkNodeName,
  clusterFault,
  createClusterService,
  type IssuedToken,
  makeAuthority,
  type NodeRole,
  natsConfig,
  newServerIdentity,
  nodeRoles,
  openAuthority,
  shownTokenId,
} from '../../cluster/index.ts';
import type { JoinTokenRow } from '../../store/index.ts';
import { loadConfig } from '../config/config.ts';
import { dataPaths } from '../instance/instance.ts';
import { actAsOwner } from './act-as.ts';
import { type OpenState, openState, type Place } from './operator-stores.ts';

export interface ClusterInit {
  readonly cluster: string;
  /** The file with the authority, which has its private key. */
  readonly file: string;
  /** False: an earlier call has made it. */
  readonly isNew: boolean;
}

export interface TokenRequest {
  readonly role: string;
  readonly name: string | undefined;
  /** How many nodes may join with it. */
  readonly uses: number;
  readonly lifeMs: number;
}

export interface NodeToken extends IssuedToken {
  readonly cluster: string;
  readonly role: string;
  /** Null: any name. */
  readonly name: string | null;
  readonly uses: number;
}

/** A token with which nodes can still join. */
export interface OpenToken extends Pick<JoinTokenRow, 'role' | 'name' | 'uses' | 'used' | 'expiresAt'> {
  readonly id: string;
}

export interface BusCertificate {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export interface NatsConfigRequest {
  readonly listen: string;
  /** Folder of the files on the machine of NATS. */
  readonly folder: string;
}

const longestTokenMs = 7 * 86_400_000;

/** Makes the authority once. @throws Fault CLUSTER_FILE_INVALID, CLUSTER_FILE_INSECURE, DATA_DIR_EMPTY */
export async function initCluster(place: Place): Promise<ClusterInit> {
  // Before the first start, the folder does not belong to the user of the server.
  await using at = await openState(place);
  const paths = dataPaths(at.config.dataDir);
  const { authority, isNew } = await makeAuthority(paths.cluster);
  return { cluster: authority.cluster, file: paths.authority, isNew };
}

/** @throws Fault NODE_NAME_INVALID, CLUSTER_MISSING, DATA_DIR_EMPTY */
export async function newNodeToken(place: Place, request: TokenRequest): Promise<NodeToken> {
  const role = roleOf(request.role);
  const { uses } = request;
  const name = request.name === undefined ? undefined : checkNodeName(request.name);
  if (name !== undefined && uses > 1) {
    throw clusterFault('NODE_NAME_INVALID', `only one node can have the name ${name}, not ${uses}`, {
      hint: 'leave out --name or --uses',
    });
  }
  await using at = await openCluster(place);
  const { authority, store } = at;
  const service = createClusterService({ authority, members: store.members });
  const lifeMs = Math.min(request.lifeMs, longestTokenMs);
  const issued = await service.newToken({ role, name, uses, lifeMs });
  return { ...issued, cluster: authority.cluster, role, name: name ?? null, uses };
}

/** Lists the tokens with which nodes can still join. @throws Fault CLUSTER_MISSING, DATA_DIR_EMPTY */
export async function listTokens(place: Place): Promise<readonly OpenToken[]> {
  await using at = await openCluster(place);
  return (await at.store.members.openTokens()).map(openToken);
}

/** @throws Fault JOIN_TOKEN_MISSING, CLUSTER_MISSING, DATA_DIR_EMPTY */
export async function revokeToken(place: Place, id: string): Promise<void> {
  await using at = await openCluster(place);
  const { members } = at.store;
  const found = (await members.openTokens()).find(({ key }) => shownTokenId(key) === id);
  if (found !== undefined && (await members.revokeToken(found.key))) return;
  throw clusterFault('JOIN_TOKEN_MISSING', `no node can join with a token ${JSON.stringify(id)}`, {
    hint: 'ward node tokens lists those with which nodes can',
  });
}

/**
 * Returns the tokens of the node with which others could still have joined: they are revoked, as the node knows them.
 * @throws Fault NODE_MISSING, CLUSTER_MISSING, DATA_DIR_EMPTY
 */
export async function removeNode(place: Place, name: string): Promise<readonly OpenToken[]> {
  await using at = await openCluster(place);
  const { members, clusterNodes } = at.store;
  await clusterNodes.forget(name);
  const revoked = await members.remove(name);
  if (revoked !== undefined) return revoked.map(openToken);
  throw clusterFault('NODE_MISSING', `no node of the cluster has the name ${JSON.stringify(name)}`, {
    hint: 'ward cluster nats-config lists the nodes',
  });
}

/** Lists nodes that have joined, and those that open tokens name. @throws Fault CLUSTER_MISSING, DATA_DIR_EMPTY */
export async function writeNatsConfig(place: Place, { listen, folder }: NatsConfigRequest): Promise<string> {
  await using at = await openCluster(place);
  const { store, config } = at;
  const joined = (await store.members.list()).filter(({ removedAt }) => removedAt === null);
  const expected = (await store.members.openTokens()).flatMap(({ name, role }) =>
    name === null || joined.some((member) => member.name === name) ? [] : [{ name, role }],
  );
  const all = [...joined, ...expected].flatMap(({ name, role }): BusNode[] =>
    isRole(role) ? [{ name, role }] : [],
  );
  // NATS does not start with one user twice, which two tokens of one name would give.
  const nodes = [...new Map(all.map((node) => [`${node.role} ${node.name}`, node])).values()];
  return natsConfig({ cluster: config.node.cluster, nodes, listen, files: filesIn(folder) });
}

/**
 * Writes a key, a certificate for these hosts, and the authority's certificate into a folder, for a server of NATS.
 * @throws Fault CLUSTER_MISSING, HOST_INVALID
 */
export async function newBusCertificate(
  place: Place,
  hosts: readonly string[],
  folder: string,
): Promise<BusCertificate> {
  const { dataDir } = await loadConfig(place);
  using acting = actAsOwner(dataDir);
  const authority = openAuthority(dataPaths(dataDir).cluster);
  const { certificate, key, expiresAt } = await newServerIdentity(authority, hosts);
  const paths = filesIn(folder);
  await acting.aside(async () => {
    await writeFileAtomically(paths.key, key, { mode: 0o600 });
    await writeFileAtomically(paths.certificate, certificate);
    await writeFileAtomically(paths.authority, authority.certificate);
  });
  return { ...paths, expiresAt };
}

/** The files of a server of NATS. */
function filesIn(folder: string) {
  return {
    certificate: join(folder, 'nats.pem'),
    key: join(folder, 'nats.key'),
    authority: join(folder, 'authority.pem'),
  };
}

async function openCluster(place: Place): Promise<OpenState & { readonly authority: Authority }> {
  await using stack = new AsyncDisposableStack();
  const { config, store } = stack.use(await openState(place));
  const authority = openAuthority(dataPaths(config.dataDir).cluster);
  const opened = stack.move();
  return { config, store, authority, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function openToken({ key, role, name, uses, used, expiresAt }: JoinTokenRow): OpenToken {
  return { id: shownTokenId(key), role, name, uses, used, expiresAt };
}

function isRole(text: string): text is NodeRole {
  return nodeRoles.some((role) => role === text);
}

function roleOf(text: string): NodeRole {
  if (isRole(text)) return text;
  throw clusterFault('NODE_NAME_INVALID', `${JSON.stringify(text)} is not the role of a node`, {
    hint: `choose one of ${nodeRoles.join(', ')}`,
  });
}
