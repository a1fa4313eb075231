/** The messages between the process that asks for scans and the scan process. */
import { z } from 'zod';
import { type Failure, faultKinds } from '../../lib/index.ts';
import type { FrameLimits } from './frames.ts';
import type { ScanJob } from './jobs.ts';

const mebibyte = 1024 ** 2;

/** For messages of the scan process: the names of a layer's files are the longest, at most 32 MiB. */
export const limitsFromProcess: FrameLimits = { maxMessageBytes: 64 * mebibyte, maxBytes: 0 };
/** For messages to the scan process: rules and configurations, and code beside them. */
export const limitsToProcess: FrameLimits = { maxMessageBytes: 128 * mebibyte, maxBytes: 512 * mebibyte };

/** The first message to the process. */
export const startSchema = z.object({
  /** A URL of a module that exports `inspectorsFor(data): InspectorSet`. */
  module: z.string(),
  data: z.unknown().optional(),
});

/** The first message from the process, when it can take jobs. */
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

/** A message from the process. Its job number keeps messages of different jobs apart. */
export const fromJobSchema = z.discriminatedUnion('say', [
  /** Requests for the bytes of a layer. */
  z.object({ job: z.int(), say: z.literal(['open', 'more', 'close']) }),
  z.object({ job: z.int(), say: z.literal('done'), result: z.unknown() }),
  z.object({ job: z.int(), say: z.literal('failed'), failure: failureSchema }),
]);

export type FromJob =
  | { readonly say: 'open' | 'more' | 'close' }
  | { readonly say: 'done'; readonly result: unknown }
  | { readonly say: 'failed'; readonly failure: Failure };

/** The answer to one `open` or `more`. The bytes of a piece are beside the message. */
export interface PieceAnswer {
  readonly say: 'opened' | 'piece' | 'end' | 'broken';
}

/** A message to the process. */
export type ToJob = { readonly job: number } & (
  | { readonly say: 'start'; readonly asked: ScanJob }
  | PieceAnswer
);
