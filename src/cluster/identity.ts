/**
 * A node's identity: its key, which never leaves the node, and its certificate. Both are in one file, so that they
 * always belong together. The key is on disk before it is sent to be certified: when the answer is lost, the node
 * repeats its request with the same key.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../blobs/index.ts';
import { messageOf } from '../lib/index.ts';
import { isIssuedBy, readClusterFile, subjectOf } from './authority.ts';
import { clusterFault } from './faults.ts';
import { keyId, privatePem } from './keys.ts';
import {
  type BusPlace,
  busPlaceSchema,
  type ClusterDescription,
  clusterIdSchema,
  type Issued,
} from './messages.ts';
import { type NodeRole, nodeNameSchema, nodeRoleSchema } from './node-names.ts';

/** What a node connects to the bus with. */
export interface NodeIdentity {
  readonly cluster: string;
  readonly name: string;
  readonly role: NodeRole;
  readonly key: KeyObject;
  /** PEM. */
  readonly certificate: string;
  /** PEM: the only authority that the node trusts. */
  readonly authority: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  readonly bus: BusPlace | null;
}

const fileSchema = z.object({
  key: z.string().max(4096),
  cluster: clusterIdSchema,
  name: nodeNameSchema,
  role: nodeRoleSchema,
  /** Absent while the node joins. */
  issued: z
    .object({
      certificate: z.string().max(4096),
      authority: z.string().max(4096),
      bus: busPlaceSchema.nullable(),
    })
    .optional(),
});

/** A node's file: with an identity, or with only the key of a node that has not joined yet. */
export interface KeptNode extends Pick<NodeIdentity, 'key' | 'cluster' | 'name' | 'role'> {
  readonly identity: NodeIdentity | undefined;
}

export function nodeFile(folder: string): string {
  return join(folder, 'node.json');
}

/** Undefined when the node has none. @throws Fault CLUSTER_FILE_INVALID, CLUSTER_FILE_INSECURE */
export function readNode(folder: string): KeptNode | undefined {
  const file = nodeFile(folder);
  const text = readClusterFile(file);
  if (text === undefined) return undefined;
  try {
    const { key: pem, issued, ...names } = fileSchema.parse(JSON.parse(text));
    const key = createPrivateKey(pem);
    const identity = issued && checkedIdentity({ ...names, key, ...issued });
    return { ...names, key, identity };
  } catch (cause) {
    throw clusterFault('CLUSTER_FILE_INVALID', `${file} holds no identity of a node`, {
      hint: `remove ${file}, and join again with a new token`,
      cause,
    });
  }
}

/** @throws Fault CLUSTER_FILE_INVALID when the file can't be written */
export async function writeNode(folder: string, node: KeptNode): Promise<void> {
  const { key, cluster, name, role, identity } = node;
  const { certificate, authority, bus } = identity ?? {};
  const file: z.infer<typeof fileSchema> = {
    ...{ cluster, name, role, key: privatePem(key) },
    ...(certificate !== undefined &&
      authority !== undefined && { issued: { certificate, authority, bus: bus ?? null } }),
  };
  try {
    await writeFileAtomically(nodeFile(folder), `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  } catch (cause) {
    const why = `the identity can't be written to ${nodeFile(folder)}: ${messageOf(cause)}`;
    throw clusterFault('CLUSTER_FILE_INVALID', why, { cause });
  }
}

/** The identity that an answer gives. @throws Fault CLUSTER_ANSWER_INVALID when the answer is for another node or key */
export function identityFrom(
  { cluster, name, role, key }: Omit<KeptNode, 'identity'>,
  { certificate, bus }: Issued,
  { authority }: Pick<ClusterDescription, 'authority'>,
): NodeIdentity {
  try {
    return checkedIdentity({ cluster, name, role, key, certificate, authority, bus });
  } catch (cause) {
    throw clusterFault('CLUSTER_ANSWER_INVALID', 'the cluster answered with a certificate for another node', {
      hint: 'check the address; something between the node and the cluster may change the answers',
      cause,
    });
  }
}

function checkedIdentity(parts: Omit<NodeIdentity, 'expiresAt'>): NodeIdentity {
  const certificate = new X509Certificate(parts.certificate);
  const { commonName, organization } = subjectOf(certificate);
  const isOwn =
    commonName === parts.name &&
    organization === parts.role &&
    certificate.checkPrivateKey(parts.key) &&
    isIssuedBy(certificate, new X509Certificate(parts.authority));
  if (!isOwn) throw new Error('the certificate is not for this node and key, or not from its authority');
  return { ...parts, expiresAt: certificate.validToDate.getTime() };
}

/** Tells whether the authority has the key that a token names, and has signed its own certificate. */
export function isPinned(authority: string, pin: string): boolean {
  try {
    const certificate = new X509Certificate(authority);
    return certificate.ca && keyId(certificate.publicKey) === pin && isIssuedBy(certificate, certificate);
  } catch {
    return false;
  }
}
