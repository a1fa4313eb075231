/** What `ward backup` wrote last, kept in the data folder for the console: the file itself may be anywhere, or gone. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../../blobs/index.ts';

const schema = z.object({
  /** ISO time of the backed-up state. */
  takenAt: z.string().max(100),
  /** Absolute. */
  file: z.string().max(4096),
  bytes: z.number(),
  /** Version of the Ward that made it. */
  ward: z.string().max(100),
  files: z.number(),
  /** Parts that it lacks. */
  missing: z.array(z.string().max(100)),
  /** How many of its files were damaged on the server. */
  damaged: z.number(),
});

export type LastBackup = Readonly<z.infer<typeof schema>>;

const fileName = 'last-backup.json';
const longestFile = 64 * 1024;

/** Call it with the rights of the folder's owner. @throws errors of the system */
export async function noteBackup(dataDir: string, backup: LastBackup): Promise<void> {
  await writeFileAtomically(join(dataDir, fileName), `${JSON.stringify(schema.parse(backup))}\n`);
}

/** Undefined when there was none, or the note can't be read. */
export async function readLastBackup(dataDir: string): Promise<LastBackup | undefined> {
  try {
    await using file = await open(join(dataDir, fileName));
    if ((await file.stat()).size > longestFile) return undefined;
    return schema.safeParse(JSON.parse(await file.readFile('utf8'))).data;
  } catch {
    return undefined;
  }
}
