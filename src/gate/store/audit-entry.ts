/**
 * The audit log's entries. Each has the hash of the one before it, so changing, removing, inserting or moving one breaks the
 * chain from there on. A checkpoint that was signed earlier reveals a rewrite of the whole chain.
 */
import { z } from 'zod';
import { isDigest } from '../../blobs/index.ts';
import type { JsonObject } from '../../lib/index.ts';
import { actions, stages } from '../policy/rules-schema.ts';

const entrySchema = z.strictObject({
  seq: z.int().min(1),
  /** ISO time. */
  time: z.string(),
  /** Of a change: the log has it once, however often its entry was given. */
  id: z.string().optional(),
  /** `verdict`, `became-vulnerable`, `policy`, `advisories`, `create-action`, … */
  event: z.string(),
  /** Who or what acted: a namespace's key, an operator, the re-judging. */
  actor: z.string(),
  /** The client's address, or `local`. */
  from: z.string().optional(),
  /** Id of the request. */
  request: z.string().optional(),
  digest: z.string().refine(isDigest).optional(),
  /** An image's reference, an action's name, the full name of what was changed. */
  name: z.string().optional(),
  stage: z.enum(stages).optional(),
  namespace: z.string().optional(),
  outcome: z.enum(actions).optional(),
  summary: z.string().optional(),
  /** Digests of what a change found and left; absent when there was nothing. */
  before: z.string().optional(),
  after: z.string().optional(),
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

const draftSchema = entrySchema.omit({ seq: true, prevHash: true });
const longestText = 500;

/** Returns undefined for what is not a draft. An empty text counts as absent. */
export function parseDraft(value: JsonObject): AuditDraft | undefined {
  const present = Object.entries(value)
    .filter(([, part]) => part !== '')
    .map(([name, part]) => [name, typeof part === 'string' ? part.slice(0, longestText) : part]);
  const parsed = draftSchema.safeParse(Object.fromEntries(present));
  return parsed.success ? parsed.data : undefined;
}

/** Returns undefined for text that is not an entry. */
export function parseEntry(text: string): AuditRecord | undefined {
  try {
    const parsed = entrySchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
