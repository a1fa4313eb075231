/** Faults of the cluster's identities. The server's ones reach the node over the network, by their code. */
import { type FaultTable, faultTable } from '../lib/index.ts';

export const clusterFaults = {
  /** This folder has no certificate authority. */
  CLUSTER_MISSING: 'missing',
  CLUSTER_FILE_INVALID: 'invalid',
  CLUSTER_FILE_INSECURE: 'denied',
  NODE_NAME_INVALID: 'invalid',
  /** Of a server of the bus. */
  HOST_INVALID: 'invalid',
  /** The text is not a token. */
  JOIN_TOKEN_INVALID: 'invalid',
  JOIN_TOKEN_UNKNOWN: 'denied',
  JOIN_TOKEN_EXPIRED: 'denied',
  /** By as many other nodes as it is for. */
  JOIN_TOKEN_USED: 'denied',
  /** Bound to another role or name. */
  JOIN_TOKEN_BOUND: 'denied',
  /** To be revoked. */
  JOIN_TOKEN_MISSING: 'missing',
  /** Of another cluster. */
  JOIN_TOKEN_FOREIGN: 'denied',
  /** Not of the form, not signed, or with a key of another type. */
  NODE_REQUEST_INVALID: 'invalid',
  NODE_NAME_TAKEN: 'conflict',
  NODE_MISSING: 'missing',
  NODE_REMOVED: 'denied',
  /** The certificate is of another cluster. */
  CERTIFICATE_FOREIGN: 'denied',
  NODE_CLOCK_WRONG: 'unprocessable',
  /** The server has another authority than the token names. */
  CLUSTER_FOREIGN: 'denied',
  CLUSTER_UNREACHABLE: 'unreachable',
  CLUSTER_ANSWER_INVALID: 'unreachable',
  IDENTITY_MISSING: 'missing',
  IDENTITY_EXPIRED: 'denied',
  /** The folder has the identity of another node. */
  IDENTITY_FOREIGN: 'conflict',
} as const satisfies FaultTable;

export const clusterFault = faultTable(clusterFaults);

/** Life of a node's certificate. */
export const certificateLifeMs = 24 * 3_600_000;

export function identityExpired(name: string) {
  return clusterFault('IDENTITY_EXPIRED', `the certificate of node ${name} has expired`, {
    hint: 'join again with a new token: ward node token',
  });
}
