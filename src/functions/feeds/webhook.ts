/**
 * A webhook: a URL that fires a trigger. Anyone who knows its token may fire it. So the row is found by a hash of the
 * token, and stores the token only encrypted, for its owner to read again.
 */
import { hash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { FeedRow } from '../../store/index.ts';
import { corrupt, type PlainRef, storedName, storedNamespace } from '../entities/entity-row.ts';
import { hasRight, type KeyScope } from '../namespaces/key-scopes.ts';
import type { Vault } from '../vault/vault.ts';
import { type Refusals, refusals } from './webhook-refusals.ts';
import { type SignatureScheme, signatureSchemes } from './webhook-signature.ts';

export interface Webhook {
  readonly trigger: PlainRef;
  readonly token: string;
  readonly signature: SignatureScheme;
  /** Set only with a signature. */
  readonly secret: string | undefined;
  readonly isActive: boolean;
  /** When it was last activated or paused, in epoch milliseconds. */
  readonly dateChanged: number;
  readonly revision: string;
  /** Absent: it has refused nothing. */
  readonly refused?: Refusals;
}

export const webhookProvider = 'webhooks/webhook';

const stored = z.object({
  namespace: storedNamespace,
  trigger: storedName,
  document: z.object({
    sealed: z.string(),
    signature: z.enum(signatureSchemes),
    isActive: z.boolean(),
    dateChanged: z.number(),
    refused: refusals.exactOptional(),
  }),
});
const opened = z.object({ token: z.string(), secret: z.string().optional() });
const tokenBytes = 32;

export function newToken(): string {
  return randomBytes(tokenBytes).toString('base64url');
}

export function isToken(text: string): boolean {
  return /^[\w-]{43}$/.test(text);
}

/** @param apiHost the public URL of this Ward, without a slash at its end */
export function webhookUrl(apiHost: string, { token }: Pick<Webhook, 'token'>): string {
  return `${apiHost}/webhooks/${token}`;
}

/** Who knows the URL can fire the trigger, and a key that may deploy gets it from a `CREATE`. */
export function mayReadUrl(scope: KeyScope): boolean {
  return hasRight(scope, 'read') && (hasRight(scope, 'invoke') || hasRight(scope, 'deploy'));
}

/** The key by which a row is found. */
export function hashToken(token: string): string {
  return hash('sha256', token, 'hex');
}

/** @throws Fault STORED_ENTITY_CORRUPT, VAULT_KEY_MISSING */
export function webhookOfRow(row: FeedRow, vault: Vault): Webhook {
  const parsed = stored.safeParse(row);
  if (!parsed.success) throw corrupt(parsed.error);
  const { namespace, trigger: name, document } = parsed.data;
  const { sealed, ...rest } = document;
  const trigger = { namespace, name };
  const secrets = opened.safeParse(vault.open(sealed, placeOf(trigger)));
  if (!secrets.success) throw corrupt();
  const { token, secret } = secrets.data;
  return { trigger, token, secret, ...rest, revision: row.revision };
}

export function rowOfWebhook(webhook: Webhook, vault: Vault): FeedRow {
  const { trigger, token, secret, revision, ...document } = webhook;
  const secrets = secret === undefined ? { token } : { token, secret };
  const sealed = vault.seal(secrets, placeOf(trigger));
  return {
    namespace: trigger.namespace,
    trigger: trigger.name,
    provider: webhookProvider,
    revision,
    token: hashToken(token),
    dueAt: null,
    document: { sealed, ...document },
  };
}

function placeOf({ namespace, name }: PlainRef): string {
  return `${namespace}/${name} webhook`;
}
