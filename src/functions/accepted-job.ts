/**
 * A job in the durable queue. A caller's API key is never written to disk: a job that needs one says so, and
 * is reported as interrupted instead of being run without it after a restart.
 */
import { z } from 'zod';
import { type Digest, isDigest } from '../images/index.ts';
import type { Job } from '../invoker/index.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../lib/index.ts';

export interface AcceptedJob {
  readonly job: Job;
  readonly needsApiKey: boolean;
}

const json = z.custom<JsonValue>((value) => value !== undefined);
const jsonObject = z.custom<JsonObject>(isJsonObject);
const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value));
const stored = z.object({
  activationId: z.string(),
  transactionId: z.string(),
  namespace: z.string(),
  action: z.string(),
  version: z.string(),
  revision: z.string(),
  kind: z.string(),
  code: z.object({ digest, binary: z.boolean(), main: z.string() }),
  limits: z.object({
    timeoutMs: z.number(),
    memoryMiB: z.number(),
    logBytes: z.number(),
    concurrency: z.number(),
  }),
  initEnv: jsonObject,
  parameters: z.union([z.array(json), jsonObject]),
  acceptedAt: z.number(),
  needsApiKey: z.boolean(),
});

export function toQueue(job: Job): JsonObject {
  const { apiKey, code, limits, ...rest } = job;
  return { ...rest, code: { ...code }, limits: { ...limits }, needsApiKey: apiKey !== undefined };
}

/** Undefined when it was written by a version of Ward that this one can't read. */
export function fromQueue(value: JsonValue): AcceptedJob | undefined {
  const parsed = stored.safeParse(value);
  if (!parsed.success) return undefined;
  const { needsApiKey, ...job } = parsed.data;
  return { job, needsApiKey };
}
