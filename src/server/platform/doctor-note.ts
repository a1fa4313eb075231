/** The last report of `ward doctor`, kept in the data folder for the console. Only root can look; the server is not root. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../../blobs/index.ts';

const text = z.string();
const row = z.object({
  name: text,
  vector: text,
  required: z.boolean(),
  available: z.boolean(),
  chosen: text,
  proven: text,
  evidence: text,
});
const noteSchema = z.object({
  /** Epoch milliseconds. */
  at: z.number(),
  ok: z.boolean(),
  kernel: text,
  cgroups: text,
  runtimes: z.record(text, text),
  rows: z.array(row),
  processes: z.array(row),
  advisories: z.array(
    z.object({ runtime: text, version: text, id: text, title: text, answer: text, refused: z.boolean() }),
  ),
  advice: z.array(z.object({ setting: text, value: text, recommended: text, why: text })),
});

export type DoctorNote = z.infer<typeof noteSchema>;

const longestNote = 1024 * 1024;

/** Call it with the rights of the folder's owner. @throws errors of the system */
export async function noteDoctor(dataDir: string, note: DoctorNote): Promise<void> {
  await writeFileAtomically(pathOf(dataDir), `${JSON.stringify(noteSchema.parse(note))}\n`);
}

/** Undefined when no one has run it, or its report can't be read. */
export async function readDoctorNote(dataDir: string): Promise<DoctorNote | undefined> {
  try {
    await using file = await open(pathOf(dataDir));
    if ((await file.stat()).size > longestNote) return undefined;
    return noteSchema.safeParse(JSON.parse(await file.readFile('utf8'))).data;
  } catch {
    return undefined;
  }
}

function pathOf(dataDir: string): string {
  return join(dataDir, 'doctor.json');
}
