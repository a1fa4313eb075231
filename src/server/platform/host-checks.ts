/**
 * What `ward doctor` and `ward prove` found on this machine, kept in the data folder for the console: the last report of each,
 * and of the runs before what had changed. Only root can look; the server is not root.
 */
import { open } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomically } from '../../blobs/index.ts';
import { dataPaths } from '../instance/instance.ts';

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
const doctorSchema = z.object({
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
const proveSchema = z.object({
  /** Epoch milliseconds. */
  at: z.number(),
  ok: z.boolean(),
  kernel: text,
  runtime: z.object({ name: text, version: text }),
  counts: z.record(text, z.number()),
  techniques: z.array(
    z.object({ name: text, vector: text, title: text, control: text, outcome: text, detail: text }),
  ),
});
const runSchema = z.object({
  at: z.number(),
  ok: z.boolean(),
  kernel: text,
  /** What differs from when it was looked at before; `before` is null when it never was. */
  changes: z.array(z.object({ name: text, before: text.nullable(), after: text })),
});

export type DoctorReport = z.infer<typeof doctorSchema>;
export type ProveNote = z.infer<typeof proveSchema>;
export type HostCheckRun = z.infer<typeof runSchema>;

export interface HostCheck<Report> {
  readonly last: Report;
  /** The last first, with that of the report. */
  readonly runs: readonly HostCheckRun[];
}

interface Kind<Report> {
  readonly file: 'doctorReport' | 'proveReport';
  readonly schema: z.ZodType<Report>;
  /** Name → what was found, for everything that it looked at. */
  readonly found: (report: Report) => readonly (readonly [name: string, found: string])[];
}

const doctorKind: Kind<DoctorReport> = {
  file: 'doctorReport',
  schema: doctorSchema,
  found: ({ rows, processes }) =>
    [...rows, ...processes].map(({ name, vector, proven }) => [`${name} (${vector})`, proven]),
};
const proveKind: Kind<ProveNote> = {
  file: 'proveReport',
  schema: proveSchema,
  found: ({ techniques }) => techniques.map(({ name, outcome }) => [name, outcome]),
};

const mostRuns = 20;
const mostChanges = 100;
const longestFile = 4 * 1024 * 1024;

/** Call these two with the rights of the folder's owner. @throws errors of the system */
export const noteDoctor = (dataDir: string, report: DoctorReport) => note(dataDir, doctorKind, report);
export const noteProve = (dataDir: string, report: ProveNote) => note(dataDir, proveKind, report);

/** Undefined when no one has run it, or its reports can't be read. */
export const readDoctor = (dataDir: string) => check(dataDir, doctorKind);
export const readProve = (dataDir: string) => check(dataDir, proveKind);

interface Kept<Report> extends HostCheck<Report> {
  /** What was found last, by name: a run may look at a part only. */
  readonly known: Readonly<Record<string, string>>;
}

async function note<Report extends Pick<HostCheckRun, 'at' | 'ok' | 'kernel'>>(
  dataDir: string,
  kind: Kind<Report>,
  report: Report,
): Promise<void> {
  const last = kind.schema.parse(report);
  const before = await read(dataDir, kind);
  const found = new Map(kind.found(last));
  const known = new Map(Object.entries(before?.known ?? {}));
  const changes = [...found].flatMap(([name, after]) => {
    const was = known.get(name) ?? null;
    return before === undefined || was === after ? [] : [{ name, before: was, after }];
  });
  const { at, ok, kernel } = last;
  const run = { at, ok, kernel, changes: changes.slice(0, mostChanges) };
  const kept: Kept<Report> = {
    last,
    runs: [run, ...(before?.runs ?? [])].slice(0, mostRuns),
    known: Object.fromEntries([...known, ...found]),
  };
  await writeFileAtomically(dataPaths(dataDir)[kind.file], `${JSON.stringify(kept)}\n`);
}

async function check<Report>(dataDir: string, kind: Kind<Report>): Promise<HostCheck<Report> | undefined> {
  const kept = await read(dataDir, kind);
  return kept && { last: kept.last, runs: kept.runs };
}

async function read<Report>(dataDir: string, kind: Kind<Report>): Promise<Kept<Report> | undefined> {
  try {
    await using file = await open(dataPaths(dataDir)[kind.file]);
    if ((await file.stat()).size > longestFile) return undefined;
    const value: unknown = JSON.parse(await file.readFile('utf8'));
    const { schema } = kind;
    const whole = z.object({ last: schema, runs: z.array(runSchema), known: z.record(text, text) });
    const kept = whole.safeParse(value);
    if (kept.success) return kept.data;
    // Earlier versions kept the last report alone.
    const alone = schema.safeParse(value).data;
    return alone && { last: alone, runs: [], known: Object.fromEntries(kind.found(alone)) };
  } catch {
    return undefined;
  }
}
