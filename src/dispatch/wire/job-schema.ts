/** A job as it comes from another node. */
import { z } from 'zod';
import { type Digest, isDigest } from '../../blobs/index.ts';
import { type EgressRule, parseEgress } from '../../egress/index.ts';
import { isJsonObject, type JsonObject, messageOf } from '../../lib/index.ts';
import type { Job, JobTarget, KeptAction } from '../types.ts';

const name = z.string().min(1).max(1000);
const count = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
const json = z.custom<JsonObject>(isJsonObject, 'not an object');
const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'not a digest');

const egress = z.unknown().transform((value, context): readonly EgressRule[] => {
  try {
    return parseEgress(value);
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
    return z.NEVER;
  }
});

const code = z.object({ digest, binary: z.boolean(), main: z.string().max(1000) });

export const targetSchema = z.object({
  namespace: name,
  action: name,
  version: name,
  revision: name,
  kind: name,
  image: name.optional(),
  code,
  limits: z.object({
    timeoutMs: count,
    memoryMiB: count,
    logBytes: count,
    concurrency: z.int().min(1).max(10_000),
    cpus: count.optional(),
    diskMiB: count.optional(),
  }),
  namespaceConcurrency: count.optional(),
  scaling: z
    .object({
      fresh: z.boolean().optional(),
      minWarm: z.int().min(0).max(10_000).optional(),
      maxInstances: z.int().min(0).max(1_000_000).optional(),
    })
    .optional(),
  sandbox: z
    .object({
      tier: z.enum(['gvisor']).optional(),
      seccomp: json.optional(),
      egress: egress.optional(),
      egressWithin: egress.optional(),
      seccompWithin: json.optional(),
      id: z.string().max(1000),
    })
    .optional(),
  providesApiKey: z.boolean().optional(),
  initEnv: json,
}) satisfies z.ZodType<JobTarget>;

/** Everything of a job but its id, which is in the frame, and its parameters, which are the tail. */
export const jobSchema = targetSchema.extend({
  transactionId: z.string().max(1000),
  apiKey: z.string().max(1000).optional(),
  acceptedAt: z.int().min(0).max(8_640_000_000_000_000),
  traceparent: z.string().max(100).optional(),
}) satisfies z.ZodType<Omit<Job, 'activationId' | 'parameters'>>;

export const keptSchema = z.object({
  namespace: name,
  action: name,
  revision: name,
  kind: name,
  image: name.optional(),
  code,
}) satisfies z.ZodType<KeptAction>;
