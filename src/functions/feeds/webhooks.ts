/** The feed action `/whisk.system/webhooks/webhook`, and the requests to its URLs. */

import { isFault, isJsonObject, type JsonObject, type Log, messageOf, randomHex } from '../../lib/index.ts';
import type { FeedStore } from '../../store/index.ts';
import type { BuiltinAction } from '../builtin.ts';
import { plainNameOf } from '../entities/entity-row.ts';
import type { ParameterReads } from '../entities/parameter-reads.ts';
import { functionFault, notFound } from '../faults.ts';
import type { NamespaceService } from '../namespaces/namespaces.ts';
import type { FireAnswer, FireRequest, FiringService } from '../triggers/firing.ts';
import type { Vault } from '../vault/vault.ts';
import type { FeedSlots } from './feed-slots.ts';
import { type FeedActionOptions, feedAction, type Lifecycle, success } from './lifecycle.ts';
import {
  hashToken,
  isToken,
  mayReadUrl,
  rowOfWebhook,
  type Webhook,
  webhookOfRow,
  webhookProvider,
  webhookUrl,
} from './webhook.ts';
import { createWebhook, updateWebhook } from './webhook-put.ts';
import type { Refusal, RefusalNotes } from './webhook-refusals.ts';
import { type RequestHeaders, verifySignature } from './webhook-signature.ts';

/** A webhook, opened by a request that knows its token. */
export interface OpenedWebhook {
  /** Identifies it, to count its requests. */
  readonly id: string;
  /** @throws Fault FEED_PAUSED */
  requireActive(): void;
  /** Shows its owner a request that was refused. */
  refused(refusal: Omit<Refusal, 'at'>): void;
  /**
   * @param headers names in lower case
   * @param body as it was sent
   * @throws Fault SIGNATURE_INVALID
   */
  verify(headers: RequestHeaders, body: Uint8Array): void;
  /**
   * Fires the trigger. Undefined if no rule is active.
   * @throws Fault NOT_FOUND when the trigger no longer exists, TOO_MANY_PER_MINUTE
   */
  fire(
    event: JsonObject,
    from: Pick<FireRequest, 'transactionId' | 'traceparent'>,
  ): Promise<FireAnswer | undefined>;
}

export interface Webhooks {
  readonly action: BuiltinAction;
  /** @throws Fault NOT_FOUND */
  open(token: string): Promise<OpenedWebhook>;
}

export interface WebhooksOptions extends FeedActionOptions {
  readonly slots: FeedSlots;
  readonly feeds: FeedStore;
  readonly namespaces: Pick<NamespaceService, 'authenticate' | 'identityOf'>;
  readonly fire: FiringService['fire'];
  readonly parameterReads: Pick<ParameterReads, 'note'>;
  readonly refusals: RefusalNotes;
  readonly vault: Vault;
  readonly log: Log;
  readonly now: () => number;
  /** The public URL of this Ward. */
  readonly apiHost: () => string;
}

const inPackage = 'webhooks';

const description = {
  path: webhookProvider,
  description: 'Fire trigger when a URL is requested',
  parameters: [
    { name: 'secret', required: false, description: 'Secret for signing requests: 16 to 1024 characters' },
    {
      name: 'signature',
      required: false,
      description: 'How requests are signed: ward (the default with a secret), github, or none',
    },
    { name: 'rotate', required: false, description: 'true: a new URL; the old one stops working' },
  ],
};

export function createWebhooks(options: WebhooksOptions): Webhooks {
  return {
    action: feedAction(description, webhookLifecycle(options), { ...options, recorded: withoutUrl }),
    async open(token) {
      const row = isToken(token) ? await options.feeds.byToken(hashToken(token)) : undefined;
      if (row === undefined || row.provider !== webhookProvider) throw notFound();
      return openedOf(options, webhookOfRow(row, options.vault));
    },
  };
}

function webhookLifecycle(options: WebhooksOptions): Lifecycle {
  const { slots, vault, apiHost, now } = options;
  const urlOf = (webhook: Webhook) => webhookUrl(apiHost(), webhook);
  const find = async (trigger: Webhook['trigger']) =>
    webhookOfRow(await slots.find(trigger, inPackage), vault);
  const setActive = async (trigger: Webhook['trigger'], isActive: boolean) => {
    const row = await slots.find(trigger, inPackage);
    const old = webhookOfRow(row, vault);
    if (old.isActive === isActive) return success;
    const webhook = { ...old, isActive, dateChanged: now(), revision: randomHex(16) };
    await slots.replace(rowOfWebhook(webhook, vault), row);
    return success;
  };
  return {
    async CREATE({ trigger, args }) {
      let url = '';
      await slots.fill(trigger, inPackage, (old) => {
        const before = old === undefined ? undefined : webhookOfRow(old, vault);
        const webhook = createWebhook(trigger, args, before, now());
        url = urlOf(webhook);
        return rowOfWebhook(webhook, vault);
      });
      return { ...success, url };
    },
    async READ({ trigger, identity }) {
      const webhook = await find(trigger);
      const { signature, isActive: active, dateChanged } = webhook;
      const refused = options.refusals.withNew(trigger, webhook.refused);
      const url = mayReadUrl(identity.scope) ? { url: urlOf(webhook) } : {};
      await noteUrl(options.parameterReads, trigger, url);
      const reason = active ? {} : { reason: { kind: 'USER', message: 'Paused' } };
      const dateChangedISO = new Date(dateChanged).toISOString();
      return {
        config: { name: trigger.name, namespace: trigger.namespace, ...url, signature },
        status: { active, dateChanged, dateChangedISO, ...reason, ...(refused && { refused }) },
      };
    },
    async UPDATE({ trigger, args }) {
      const row = await slots.find(trigger, inPackage);
      const webhook = updateWebhook(webhookOfRow(row, vault), args);
      await slots.replace(rowOfWebhook(webhook, vault), row);
      return { ...success, url: urlOf(webhook) };
    },
    PAUSE: ({ trigger }) => setActive(trigger, false),
    UNPAUSE: ({ trigger }) => setActive(trigger, true),
    async DELETE({ trigger }) {
      await slots.clear(trigger, inPackage);
      return success;
    },
  };
}

/** Call it before a URL is shown. */
export async function noteUrl(
  reads: Pick<ParameterReads, 'note'>,
  trigger: Webhook['trigger'],
  { url }: { readonly url?: string },
): Promise<void> {
  if (url !== undefined) await reads.note('webhook', trigger, [{ key: 'url', value: url }]);
}

function withoutUrl({ url: _, config, ...result }: JsonObject): JsonObject {
  if (!isJsonObject(config)) return result;
  const { url: __, ...rest } = config;
  return { ...result, config: rest };
}

function openedOf(options: WebhooksOptions, webhook: Webhook): OpenedWebhook {
  const { feeds, log, lock } = options;
  const { trigger, signature, secret, revision, isActive } = webhook;
  const { namespace, name } = trigger;
  return {
    id: `${namespace}/${name}`,
    requireActive() {
      if (!isActive) throw functionFault('FEED_PAUSED', 'The webhook is paused.');
    },
    refused: (refusal) => options.refusals.note(trigger, { ...refusal, at: options.now() }),
    verify(headers, body) {
      if (signature === 'none' || secret === undefined) return;
      verifySignature(signature, secret, headers, body, options.now());
    },
    async fire(payload, from) {
      const identity = await options.namespaces.identityOf(namespace);
      if (identity === undefined) throw notFound();
      try {
        return await options.fire({ identity, trigger, payload, ...from, authorization: undefined });
      } catch (error) {
        if (!isFault(error, 'NOT_FOUND') && !isFault(error, 'WRONG_COLLECTION')) throw error;
        log.warn(
          { namespace, trigger: name, reason: messageOf(error) },
          'a webhook is removed because its trigger no longer exists',
        );
        await lock.run(plainNameOf(trigger), async () => {
          const row = await feeds.get(namespace, name);
          if (row?.revision === revision) await feeds.delete(namespace, name);
        });
        throw notFound();
      }
    },
  };
}
