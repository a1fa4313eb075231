/**
 * The audit log's entries. Each has the hash of the one before it, so changing, removing, inserting or moving one breaks the
 * chain from there on. A checkpoint that was signed earlier reveals a rewrite of the whole chain.
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
  /** Who or what acted: a namespace's key, the re-judging. */
  actor: z.string(),
  digest: z.string().refine(isDigest).optional(),
  /** An image's reference, or an action's name. */
  name: z.string().optional(),
  stage: z.enum(stages).optional(),
  namespace: z.string().optional(),
  outcome: z.enum(actions).optional(),
  summary: z.string().optional(),
  policyRevision: z.string().optional(),
  advisoryRevision: z.string().optional(),
  vexRevision: z.string().optional(),
  /** Hash of the entry before; 64 zeros in the first one. */
  prevHash: z.string().regex(/^[0-9a-f]{64}$/),
});

export type AuditRecord = Readonly<z.infer<typeof entrySchema>>;
/** SHA-256 over the canonical JSON of the record. */
export type AuditEntry = AuditRecord & { readonly hash: string };
export type AuditDraft = Omit<AuditRecord, 'seq' | 'prevHash'>;

/** Returns undefined for text that is not an entry. */
export function parseEntry(text: string): AuditRecord | undefined {
  try {
    const parsed = entrySchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
