/**
 * The audit log's entries: each has the hash of the one before it, so that none can be changed, taken out, put in or moved
 * without breaking the chain from there on. Who rewrites the whole chain is told by a checkpoint that was signed earlier.
 */
import { z } from 'zod';
import { isDigest } from '../../blobs/index.ts';
import { actions, stages } from '../policy/rules-schema.ts';

const entrySchema = z.strictObject({
  seq: z.int().min(1),
  /** ISO time. */
  time: z.string(),
  /** `verdict`, `became-vulnerable`, `policy`, `advisories`, … */
  event: z.string(),
  /** Who or what did it: a namespace's key, the re-judging. */
  actor: z.string(),
  digest: z.string().refine(isDigest).optional(),
  /** What it is called: an image's reference, an action's name. */
  name: z.string().optional(),
  stage: z.enum(stages).optional(),
  namespace: z.string().optional(),
  outcome: z.enum(actions).optional(),
  summary: z.string().optional(),
  policyRevision: z.string().optional(),
  advisoryRevision: z.string().optional(),
  vexRevision: z.string().optional(),
  /** Of the entry before; of the first one, 64 zeros. */
  prevHash: z.string().regex(/^[0-9a-f]{64}$/),
});

export type AuditRecord = Readonly<z.infer<typeof entrySchema>>;
/** SHA-256 over the canonical JSON of the record. */
export type AuditEntry = AuditRecord & { readonly hash: string };
export type AuditDraft = Omit<AuditRecord, 'seq' | 'prevHash'>;

/** Undefined when it is not an entry. */
export function parseEntry(text: string): AuditRecord | undefined {
  try {
    const parsed = entrySchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
