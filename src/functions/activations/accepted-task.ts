/**
 * A task in the durable queue, where its parameters are encrypted. A caller's API key is never written to disk. A
 * task that needs one says so; after a restart it is reported as interrupted instead of being run without the key.
 */

import { z } from 'zod';
import { type Digest, isDigest } from '../../blobs/index.ts';
import { parseEgress } from '../../egress/index.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { type LentScope, lentScopes } from '../namespaces/key-scopes.ts';
import type { Vault } from '../vault/vault.ts';
import type { Task } from './task.ts';

export interface AcceptedTask {
  readonly task: Task;
  readonly needsApiKey: boolean;
}

const json = z.custom<JsonValue>((value) => value !== undefined);
const jsonObject = z.custom<JsonObject>(isJsonObject);
const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value));
const limits = z.object({
  timeoutMs: z.number(),
  memoryMiB: z.number(),
  logBytes: z.number(),
  concurrency: z.number(),
  cpus: z.number().optional(),
  diskMiB: z.number().optional(),
});
const base = z.object({
  activationId: z.string(),
  transactionId: z.string(),
  namespace: z.string(),
  action: z.string(),
  version: z.string(),
  kind: z.string(),
  limits,
  acceptedAt: z.number(),
  cause: z.string().exactOptional(),
  binding: z.string().exactOptional(),
  retriesOnRestart: z.boolean().exactOptional(),
  traceparent: z.string().exactOptional(),
  parentSpan: z.string().exactOptional(),
  needsApiKey: z.boolean(),
  sealed: z.string(),
});
const egress = z.array(z.unknown()).transform(parseEgress);
const stored = z.discriminatedUnion('type', [
  base.extend({
    type: z.literal('code'),
    revision: z.string(),
    image: z.string().optional(),
    providesApiKey: z.boolean().optional(),
    namespaceConcurrency: z.number().optional(),
    lentScope: z.enum(lentScopes).optional(),
    /** Written by earlier versions, for a key with all rights. */
    isLentKey: z.literal(true).optional(),
    code: z.object({ digest, binary: z.boolean(), main: z.string() }),
    scaling: z
      .object({
        fresh: z.boolean().optional(),
        minWarm: z.number().optional(),
        maxInstances: z.number().optional(),
      })
      .optional(),
    sandbox: z
      .object({
        id: z.string(),
        tier: z.literal('gvisor').optional(),
        seccomp: jsonObject.optional(),
        egress: egress.optional(),
        egressWithin: egress.optional(),
        seccompWithin: jsonObject.optional(),
      })
      .optional(),
  }),
  base.extend({
    type: z.literal('composed'),
    named: z.string(),
    isConductor: z.boolean(),
    scope: z.enum(lentScopes),
  }),
]);
const secret = z.object({ parameters: z.union([z.array(json), jsonObject]), initEnv: jsonObject });

export function toQueue(task: Task, vault: Vault): JsonValue {
  const { parameters, ...rest } = task;
  if (rest.type === 'composed') {
    const sealed = vault.seal({ parameters, initEnv: {} }, placeOf(task));
    return { ...plain(rest), sealed, needsApiKey: false };
  }
  const { apiKey, initEnv, ...open } = rest;
  const sealed = vault.seal({ parameters, initEnv }, placeOf(task));
  return { ...plain(open), sealed, needsApiKey: apiKey !== undefined };
}

/** Undefined if a version of Ward wrote it that this one cannot read. @throws Fault VAULT_KEY_MISSING */
export function fromQueue(value: JsonValue, vault: Vault): AcceptedTask | undefined {
  const parsed = stored.safeParse(value);
  if (!parsed.success) return undefined;
  const { needsApiKey, sealed, ...rest } = parsed.data;
  const opened = secret.safeParse(vault.open(sealed, placeOf(rest)));
  if (!opened.success) return undefined;
  const { parameters, initEnv } = opened.data;
  if (rest.type === 'composed') return { task: { ...rest, parameters }, needsApiKey };
  const { isLentKey, ...code } = rest;
  const lentScope = code.lentScope ?? (isLentKey ? scopeBefore(code) : undefined);
  return { task: { ...code, lentScope, parameters, initEnv }, needsApiKey };
}

function placeOf({ namespace, activationId }: Pick<Task, 'namespace' | 'activationId'>): string {
  return `${namespace}/${activationId}`;
}

/** An action of another namespace no longer gets such a key. */
function scopeBefore({ namespace, action }: Pick<Task, 'namespace' | 'action'>): LentScope {
  return action.startsWith(`/${namespace}/`) ? 'full' : 'none';
}

/** Drops undefined members, as JSON does. */
function plain(value: object): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}
