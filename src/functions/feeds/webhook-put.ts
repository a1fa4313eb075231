/** Parses the parameters of the feed action for a webhook. */
import { type JsonObject, randomHex } from '../../lib/index.ts';
import type { PlainRef } from '../entities/entity-row.ts';
import { booleanParameter, invalidFeed, textParameter, wordParameter } from './parameters.ts';
import { newToken, type Webhook } from './webhook.ts';
import { type SignatureScheme, signatureSchemes } from './webhook-signature.ts';

const secretLength = { min: 16, max: 1024 };

/**
 * @param old the trigger's webhook, whose URL is kept
 * @throws Fault FEED_INVALID
 */
export function createWebhook(
  trigger: PlainRef,
  args: JsonObject,
  old: Webhook | undefined,
  now: number,
): Webhook {
  const { rotate, ...settings } = settingsOf(args);
  const token = old === undefined || rotate ? newToken() : old.token;
  const { secret } = settings;
  const signature = settings.signature ?? (secret === undefined ? 'none' : 'ward');
  const revision = randomHex(16);
  return checked({ trigger, token, signature, secret, isActive: true, dateChanged: now, revision });
}

/** @throws Fault FEED_INVALID, also if nothing that can be changed was sent */
export function updateWebhook(old: Webhook, args: JsonObject): Webhook {
  const { rotate, ...settings } = settingsOf(args);
  const secret = settings.secret ?? old.secret;
  const signature = settings.signature ?? (settings.secret === undefined ? old.signature : signing(old));
  if (!rotate && settings.secret === undefined && settings.signature === undefined) {
    throw invalidFeed('no updatable parameters were specified');
  }
  return checked({
    ...old,
    token: rotate ? newToken() : old.token,
    signature,
    secret: signature === 'none' ? undefined : secret,
    revision: randomHex(16),
  });
}

function settingsOf(args: JsonObject) {
  const secret = textParameter(args, 'secret');
  if (secret !== undefined && (secret.length < secretLength.min || secret.length > secretLength.max)) {
    const { min, max } = secretLength;
    throw invalidFeed(`the secret parameter must have ${min} to ${max} characters`);
  }
  return {
    secret,
    signature: wordParameter(args, 'signature', signatureSchemes),
    rotate: booleanParameter(args, 'rotate') ?? false,
  };
}

/** A client that sends a secret wants signatures. */
function signing({ signature }: Webhook): SignatureScheme {
  return signature === 'none' ? 'ward' : signature;
}

function checked(webhook: Webhook): Webhook {
  const { signature, secret } = webhook;
  if (signature !== 'none' && secret === undefined) {
    throw invalidFeed(`the signature '${signature}' needs a secret parameter`);
  }
  if (signature === 'none' && secret !== undefined) {
    throw invalidFeed("a secret cannot be used with the signature 'none'");
  }
  return webhook;
}
