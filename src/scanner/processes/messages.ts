/** What is said between the process that asks and the one that reads. */
import { z } from 'zod';
import { type Failure, faultKinds } from '../../lib/index.ts';
import type { FrameLimits } from './frames.ts';
import type { Job } from './jobs.ts';

const mebibyte = 1024 ** 2;

/** Of what the process says: the names of a layer's files are the longest, and 32 MiB at most. */
export const limitsFromProcess: FrameLimits = { maxMessageBytes: 64 * mebibyte, maxBytes: 0 };
/** Of what it is told: rules and configurations, and code beside them. */
export const limitsToProcess: FrameLimits = { maxMessageBytes: 128 * mebibyte, maxBytes: 512 * mebibyte };

/** The first message to the process. */
export const startSchema = z.object({
  /** A URL of a module that exports `inspectorsFor(data): InspectorSet`. */
  module: z.string(),
  data: z.unknown().optional(),
});

/** From the process, when it can take jobs. */
export const readySchema = z.object({ revision: z.string().max(200) });

const failureSchema = z.object({
  message: z.string().max(10_000),
  fault: z
    .object({
      code: z.string().regex(/^[A-Z_]{1,50}$/),
      kind: z.enum(faultKinds),
      hint: z.string().max(10_000).optional(),
    })
    .optional(),
});

/** From the process, with the number of the job that it is about, so that nothing of one is ever taken for another's. */
export const fromJobSchema = z.discriminatedUnion('say', [
  /** What it wants of a layer's bytes. */
  z.object({ job: z.int(), say: z.literal(['open', 'more', 'close']) }),
  z.object({ job: z.int(), say: z.literal('done'), result: z.unknown() }),
  z.object({ job: z.int(), say: z.literal('failed'), failure: failureSchema }),
]);

export type FromJob =
  | { readonly say: 'open' | 'more' | 'close' }
  | { readonly say: 'done'; readonly result: unknown }
  | { readonly say: 'failed'; readonly failure: Failure };

/** One for each `open` and `more`; the bytes of a piece stand beside it. */
export interface Answer {
  readonly say: 'opened' | 'piece' | 'end' | 'broken';
}

/** To the process. */
export type ToJob = { readonly job: number } & ({ readonly say: 'start'; readonly asked: Job } | Answer);
