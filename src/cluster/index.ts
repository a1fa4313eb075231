/** Identities of nodes: the authority of a cluster, join tokens, certificates, and what each may say on the bus. */

export { type Authority, makeAuthority, openAuthority } from './authority.ts';
export { type BusNode, busRights, natsConfig } from './bus-rights.ts';
export { checkClock } from './clock.ts';
export { clusterFault, clusterFaults } from './faults.ts';
export { type NodeIdentity, readNode } from './identity.ts';
export { joinCluster } from './join.ts';
export { newToken, parseToken, shownTokenId } from './join-tokens.ts';
export { keyId, newNodeKey } from './keys.ts';
export {
  type BusPlace,
  type ClusterDescription,
  type ClusterDoor,
  descriptionSchema,
  type Issued,
  issuedSchema,
} from './messages.ts';
export { checkNodeName, type NodeRole, nodeRoles } from './node-names.ts';
export { proofOf } from './node-proof.ts';
export { keepRenewed, renewIdentity } from './renewal.ts';
export { newServerIdentity } from './server-identity.ts';
export { type ClusterService, createClusterService, type IssuedToken, type KnownNode } from './service.ts';
