/**
 * The authority's side: lets nodes join with a token, and renews their certificates. All times are the database's, so a
 * wrong clock of this machine changes neither when a token expires nor the dates in a certificate.
 */
import { X509Certificate } from 'node:crypto';
import type { z } from 'zod';
import { isFault } from '../lib/index.ts';
import type { MemberRow, MemberStore } from '../store/index.ts';
import { type Authority, subjectOf } from './authority.ts';
import { clockSlackMs } from './clock.ts';
import { certificateLifeMs, clusterFault, identityExpired } from './faults.ts';
import { newToken, shownTokenId } from './join-tokens.ts';
import { isSigned, isSignedByToken, keyId, parseNodeKey } from './keys.ts';
import {
  type BusPlace,
  type ClusterDoor,
  type Issued,
  type JoinRequest,
  joinRequestSchema,
  joinText,
  renewalRequestSchema,
  renewalText,
} from './messages.ts';
import { type NodeRole, nodeRoleSchema } from './node-names.ts';
import { parseProof, requestText } from './node-proof.ts';

/** Also the largest difference of two clocks. */
const proofLifeMs = 5 * 60_000;

export interface ServiceOptions {
  readonly authority: Authority;
  readonly members: MemberStore;
  /** Nodes get it with their certificate. */
  readonly bus?: BusPlace | undefined;
  /** Milliseconds; by default 24 hours. */
  readonly lifeMs?: number;
}

export interface TokenOrder {
  readonly role: NodeRole;
  readonly name?: string | undefined;
  /** How many nodes may join with it; by default one. */
  readonly uses?: number;
  readonly lifeMs: number;
}

export interface IssuedToken {
  /** The token itself, which is shown only now. */
  readonly token: string;
  /** Names it where it is listed, and opens nothing. */
  readonly id: string;
  readonly expiresAt: number;
}

export interface ClusterService extends ClusterDoor {
  /**
   * Takes anything, and checks it.
   * @throws Fault NODE_REQUEST_INVALID, NODE_NAME_TAKEN, JOIN_TOKEN_FOREIGN, JOIN_TOKEN_UNKNOWN, JOIN_TOKEN_EXPIRED,
   * JOIN_TOKEN_USED, JOIN_TOKEN_BOUND
   */
  join(request: unknown): Promise<Issued>;
  /** Takes anything, and checks it. @throws Fault NODE_REQUEST_INVALID, CERTIFICATE_FOREIGN, IDENTITY_EXPIRED, NODE_REMOVED */
  renew(request: unknown): Promise<Issued>;
  newToken(order: TokenOrder): Promise<IssuedToken>;
  /**
   * Finds out which node sends a request.
   * @param proof the header of the request
   * @param request method and path
   * @throws Fault NODE_REQUEST_INVALID, CERTIFICATE_FOREIGN, IDENTITY_EXPIRED, NODE_REMOVED
   */
  authenticate(proof: string | undefined, request: string): Promise<KnownNode>;
}

export interface KnownNode {
  readonly name: string;
  readonly role: NodeRole;
}

export function createClusterService(options: ServiceOptions): ClusterService {
  const { authority, members } = options;
  const { cluster, certificate, pin } = authority;
  return {
    describe: async () => ({ cluster, authority: certificate, now: await members.now() }),
    async join(given) {
      const request = parse(joinRequestSchema, given);
      if (request.cluster !== cluster) {
        throw clusterFault('JOIN_TOKEN_FOREIGN', 'the token is for another cluster', {
          hint: 'use the address of the cluster that made the token, or make a token there',
        });
      }
      const key = signedKey(request);
      const member = await joinWith(members, request, keyId(key), lifeOf(options));
      return issue(options, member, key);
    },
    async renew(given) {
      const request = parse(renewalRequestSchema, given);
      const present = certificateIn(request.certificate);
      const { name, role } = nodeOf(authority, present);
      if (!isSigned(renewalText(cluster, present.fingerprint256), request.keyProof, present.publicKey))
        throw invalid('it is not signed with the key of its certificate');
      if ((await members.now()) >= present.validToDate.getTime()) throw identityExpired(name);
      const key = keyId(present.publicKey);
      const member = await members.renew({ name, role, key, lifeMs: lifeOf(options) });
      if (member === undefined) throw removed(name);
      return issue(options, member, present.publicKey);
    },
    async authenticate(header, request) {
      const given = parseProof(header);
      if (given === undefined) throw invalid('it does not show which node sends it');
      const present = certificateIn(given.certificate);
      const node = nodeOf(authority, present);
      const text = requestText(cluster, present.fingerprint256, given.at, request);
      if (!isSigned(text, given.proof, present.publicKey))
        throw invalid('it is not signed with the key of its certificate');
      const [now, member] = await Promise.all([members.now(), members.get(node.name)]);
      if (Math.abs(now - given.at) > proofLifeMs) throw invalid('its time is not that of the cluster');
      if (now >= present.validToDate.getTime()) throw identityExpired(node.name);
      const isMember = member?.removedAt === null && member.key === keyId(present.publicKey);
      if (!isMember || member.role !== node.role) throw removed(node.name);
      return node;
    },
    async newToken({ role, name, uses = 1, lifeMs }) {
      const { text, id: key } = newToken({ cluster, role, name, pin });
      const expiresAt = await members.addToken({ key, role, name: name ?? null, uses, lifeMs });
      return { token: text, id: shownTokenId(key), expiresAt };
    },
  };
}

/** @throws Fault CERTIFICATE_FOREIGN */
function nodeOf(authority: Authority, certificate: X509Certificate): KnownNode {
  if (!authority.hasIssued(certificate)) throw foreign();
  const { commonName: name, organization } = subjectOf(certificate);
  const role = nodeRoleSchema.safeParse(organization);
  if (!role.success) throw foreign();
  return { name, role: role.data };
}

function lifeOf({ lifeMs = certificateLifeMs }: ServiceOptions): number {
  return lifeMs;
}

async function issue(
  options: ServiceOptions,
  { name, role, expiresAt }: MemberRow,
  key: X509Certificate['publicKey'],
): Promise<Issued> {
  const certificate = await options.authority.issue({
    subject: { commonName: name, organization: role },
    key,
    from: expiresAt - lifeOf(options) - clockSlackMs,
    until: expiresAt,
    use: 'node',
  });
  return { certificate, expiresAt, bus: options.bus ?? null };
}

/** The node's key, when both signatures are right. */
function signedKey(request: JoinRequest) {
  const key = parseNodeKey(request.key);
  if (key === undefined) throw invalid('its key is not a P-256 key');
  const text = joinText(request);
  if (!isSigned(text, request.keyProof, key)) throw invalid('it is not signed with its key');
  if (!isSignedByToken(text, request.tokenProof, request.token))
    throw invalid('it is not signed with its token');
  return key;
}

async function joinWith(
  members: MemberStore,
  { token, name, role }: JoinRequest,
  key: string,
  lifeMs: number,
): Promise<MemberRow> {
  let member: MemberRow | undefined;
  try {
    member = await members.join({ token, name, role, key, lifeMs });
  } catch (error) {
    if (isFault(error, 'STORE_DUPLICATE')) throw nameTaken(name, error);
    throw error;
  }
  if (member !== undefined) return member;
  throw await whyRefused(members, { token, name, role }, key);
}

/** Only holders of the token get here: the request was signed with it. */
async function whyRefused(
  members: MemberStore,
  { token, name, role }: Pick<JoinRequest, 'token' | 'name' | 'role'>,
  key: string,
) {
  const hint = 'make a new one: ward node token';
  const known = await members.token(token);
  if (known === undefined)
    return clusterFault('JOIN_TOKEN_UNKNOWN', 'the cluster does not know the token, or it was revoked', {
      hint,
    });
  const isUsedUp = known.used >= known.uses || known.usedBy !== null;
  if (isUsedUp && known.usedBy !== key) {
    const others = known.uses === 1 ? 'another node has' : `${known.uses} other nodes have`;
    return clusterFault('JOIN_TOKEN_USED', `${others} joined with this token`, {
      hint: 'remove those that you did not start: ward node remove NAME; then make a new token',
    });
  }
  if (known.isExpired) return clusterFault('JOIN_TOKEN_EXPIRED', 'the token has expired', { hint });
  const bound =
    known.role === role ? `the name ${known.name}, not ${name}` : `the role ${known.role}, not ${role}`;
  return clusterFault('JOIN_TOKEN_BOUND', `the token is for ${bound}`, { hint });
}

function certificateIn(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw invalid('it has no certificate that can be read');
  }
}

function parse<Schema extends z.ZodType>(schema: Schema, given: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(`${issue?.path.join('.') || 'the body'}: ${issue?.message ?? 'it has another form'}`);
}

function invalid(why: string) {
  return clusterFault('NODE_REQUEST_INVALID', `the request of the node is not valid: ${why}`, {
    hint: 'run the same version of Ward on all nodes',
  });
}

function foreign() {
  return clusterFault('CERTIFICATE_FOREIGN', 'the certificate is not that of a node of this cluster', {
    hint: 'use the address of the cluster that the node has joined',
  });
}

function removed(name: string) {
  return clusterFault('NODE_REMOVED', `node ${name} is not in the cluster: it was removed or replaced`, {
    hint: 'to bring it back, make a new token: ward node token',
  });
}

function nameTaken(name: string, cause: unknown) {
  return clusterFault('NODE_NAME_TAKEN', `another node of the cluster has the name ${name}`, {
    hint: `choose another name; or remove that node, if it is gone: ward node remove ${name}`,
    cause,
  });
}
