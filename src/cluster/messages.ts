/**
 * What a node and the authority say to each other. A node sends its public key and proves that it has the private half.
 * A certificate request (RFC 2986) would also have names and extensions. The authority writes all other parts of a
 * certificate itself, so it need not parse or refuse them.
 */
import { z } from 'zod';
import { nodeNameSchema, nodeRoleSchema } from './node-names.ts';

/** A P-256 key with an uncompressed point: 91 bytes. */
const nodeKey = z.string().regex(/^[A-Za-z0-9_-]{122}$/);
/** 32 bytes. */
const shortKey = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
/** 64 bytes. */
export const signatureSchema = z.string().regex(/^[A-Za-z0-9_-]{86}$/);
/** PEM. */
export const certificateSchema = z.string().max(4096);
export const clusterIdSchema = z.string().regex(/^[0-9a-f]{16}$/);
/** Epoch milliseconds. */
export const timeSchema = z.int().min(0).max(8_640_000_000_000_000);

export const joinRequestSchema = z.strictObject({
  cluster: clusterIdSchema,
  role: nodeRoleSchema,
  name: nodeNameSchema,
  /** SubjectPublicKeyInfo in DER, base64url. */
  key: nodeKey,
  /** The token's public half: the token itself is never sent. */
  token: shortKey,
  /** `joinText`, signed with the node's key and with the token's. */
  keyProof: signatureSchema,
  tokenProof: signatureSchema,
});

export const renewalRequestSchema = z.strictObject({
  /** The certificate that the node has. */
  certificate: certificateSchema,
  /** `renewalText`, signed with the key of that certificate. */
  keyProof: signatureSchema,
});

export const descriptionSchema = z.object({
  cluster: clusterIdSchema,
  /** Certificate of the authority. */
  authority: certificateSchema,
  /** The database's clock, in epoch milliseconds. */
  now: timeSchema,
});

/** Where the nodes of a cluster talk. */
export const busPlaceSchema = z.object({
  /** The setting `bus`. */
  addresses: z.string().max(4096),
  /** The cluster's name in its subjects. */
  cluster: nodeNameSchema,
});

export const issuedSchema = z.object({
  certificate: certificateSchema,
  /** Epoch milliseconds. */
  expiresAt: timeSchema,
  /** Null: the cluster has no bus. */
  bus: busPlaceSchema.nullable(),
});

export type JoinRequest = z.infer<typeof joinRequestSchema>;
export type RenewalRequest = z.infer<typeof renewalRequestSchema>;
export type ClusterDescription = z.infer<typeof descriptionSchema>;
export type Issued = z.infer<typeof issuedSchema>;
export type BusPlace = z.infer<typeof busPlaceSchema>;

/** The way to the authority: in this process, or over the network. Throws the authority's faults in both cases. */
export interface ClusterDoor {
  describe(): Promise<ClusterDescription>;
  join(request: JoinRequest): Promise<Issued>;
  renew(request: RenewalRequest): Promise<Issued>;
}

/** No part has a line break, so no two requests have the same text. */
export function joinText(request: Omit<JoinRequest, 'keyProof' | 'tokenProof'>): string {
  const { cluster, role, name, key, token } = request;
  return ['ward join 1', cluster, role, name, key, token].join('\n');
}

/** @param fingerprint SHA-256 of the certificate, as `X509Certificate.fingerprint256` */
export function renewalText(cluster: string, fingerprint: string): string {
  return ['ward renewal 1', cluster, fingerprint].join('\n');
}
