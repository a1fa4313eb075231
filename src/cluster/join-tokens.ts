/**
 * A join token is one line, `ward-join.1.CLUSTER.ROLE.NAME.KEY.PIN`. KEY is a private key; the store has only its
 * public half. PIN identifies the key of the authority. A node signs its request with the token and sends only the
 * signature. So nobody on the network can use the token, or put another key into the request.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { clusterFault } from './faults.ts';
import { newTokenKey, tokenKeyId, tokenKeyOf, tokenSeed } from './keys.ts';
import { clusterIdSchema } from './messages.ts';
import { type NodeRole, nodeNameSchema, nodeRoleSchema } from './node-names.ts';

interface TokenTerms {
  readonly cluster: string;
  readonly role: NodeRole;
  /** The only name that the node may take; undefined: any. */
  readonly name: string | undefined;
  /** Identifies the key of the authority. */
  readonly pin: string;
}

export interface JoinToken extends TokenTerms {
  /** Its public half. */
  readonly id: string;
  readonly key: KeyObject;
}

const mark = 'ward-join';
const version = '1';
const shownLength = 12;
const keyPattern = /^[A-Za-z0-9_-]{43}$/;

export function newToken(terms: TokenTerms): { readonly text: string; readonly id: string } {
  const key = newTokenKey();
  const { cluster, role, name = '', pin } = terms;
  return {
    text: [mark, version, cluster, role, name, tokenSeed(key), pin].join('.'),
    id: tokenKeyId(key),
  };
}

/** A short name for a token in lists and commands. */
export function shownTokenId(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, shownLength);
}

/** Errors never quote the text. @throws Fault JOIN_TOKEN_INVALID */
export function parseToken(text: string): JoinToken {
  const [begin, form, cluster, role, name = '', seed = '', pin = '', ...more] = text.trim().split('.');
  const parsedRole = nodeRoleSchema.safeParse(role);
  const isWhole =
    begin === mark &&
    form === version &&
    clusterIdSchema.safeParse(cluster).success &&
    (name === '' || nodeNameSchema.safeParse(name).success) &&
    keyPattern.test(seed) &&
    keyPattern.test(pin) &&
    more.length === 0;
  if (!isWhole || !parsedRole.success || cluster === undefined) throw invalid();
  const key = tokenKeyOf(seed);
  return {
    cluster,
    role: parsedRole.data,
    name: name === '' ? undefined : name,
    pin,
    key,
    id: tokenKeyId(key),
  };
}

function invalid() {
  return clusterFault('JOIN_TOKEN_INVALID', 'the text is not a token of Ward, or not a whole one', {
    hint: 'copy the whole line that ward node token printed',
  });
}
