/** The outcome of the last update of all advisories, stored beside them for the operator. */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../../blobs/index.ts';

export const lastUpdateSchema = z.object({
  /** ISO time. */
  endedAt: z.iso.datetime(),
  /** Sources that failed. */
  failed: z.array(z.string()),
  /** Why the whole update failed. */
  reason: z.string().optional(),
});

export type LastUpdate = z.infer<typeof lastUpdateSchema>;

const longestReason = 2000;

/** @param advisories path of their file */
export async function noteLastUpdate(advisories: string, { reason, ...rest }: LastUpdate): Promise<void> {
  await mkdir(dirname(advisories), { recursive: true, mode: 0o700 });
  const note = { ...rest, ...(reason !== undefined && { reason: reason.slice(0, longestReason) }) };
  await writeFileAtomically(pathOf(advisories), `${JSON.stringify(note)}\n`);
}

/** Undefined when there was no update, or its outcome can't be read. */
export function readLastUpdate(advisories: string): LastUpdate | undefined {
  try {
    return lastUpdateSchema.safeParse(JSON.parse(readFileSync(pathOf(advisories), 'utf8'))).data;
  } catch {
    return undefined;
  }
}

function pathOf(advisories: string): string {
  return `${advisories}.last-update.json`;
}
