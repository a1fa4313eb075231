/**
 * A signed statement of the audit log's position. A copy outside the log reveals that earlier entries were rewritten or cut
 * off, which the chain alone can't.
 */
import { z } from 'zod';
import { canonicalJson } from '../../lib/index.ts';
import type { SigningKey, TrustedKey } from '../trust/keys.ts';

const checkpointSchema = z.strictObject({
  seq: z.int().min(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** ISO time. */
  time: z.string(),
  keyId: z.string(),
  /** Base64. */
  signature: z.string().max(4096),
});

export type Checkpoint = Readonly<z.infer<typeof checkpointSchema>>;

type Position = Pick<Checkpoint, 'seq' | 'hash' | 'time'>;

export function signCheckpoint({ seq, hash, time }: Position, key: SigningKey): Checkpoint {
  const signature = key.sign(contentOf({ seq, hash, time })).toString('base64');
  return { seq, hash, time, keyId: key.id, signature };
}

export function isCheckpointBy(checkpoint: Checkpoint, keys: readonly TrustedKey[]): boolean {
  const content = contentOf(checkpoint);
  return keys.some((key) => key.verify(content, Buffer.from(checkpoint.signature, 'base64')));
}

/** Returns undefined for text that is not a checkpoint. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  try {
    const parsed = checkpointSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

function contentOf({ seq, hash, time }: Position): Buffer {
  return Buffer.from(canonicalJson({ type: 'ward audit checkpoint', seq, hash, time }));
}
