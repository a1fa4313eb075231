/**
 * The form of a backup: a tar of regular files, compressed with zstd. `backup.json` comes first and describes it;
 * `sha256sums` comes last and has the digest of everything before it, in the format of `sha256sum --check`. All other
 * names are from a closed list, so that no name in an archive points outside of the target folder.
 */
import { z } from 'zod';
import { nestsDeeperThan } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';

/** Parts that a backup may lack. */
const leftOutParts = ['parameter keys', 'signing keys', 'guest key', 'advisories', 'configuration'] as const;

const missingSchema = z.strictObject({
  part: z.enum([...leftOutParts, 'code', 'image']),
  /** Its path, or its digest. */
  name: z.string().max(4096),
  why: z.enum(['not asked for', 'elsewhere', 'gone']),
});
export type MissingPart = Readonly<z.infer<typeof missingSchema>>;

const headerSchema = z.object({
  form: z.literal(1),
  /** Version of the Ward that made it. */
  ward: z.string().max(100),
  /** ISO time of the backed-up state. */
  takenAt: z.iso.datetime(),
  /** The server's name in cgroups and in /run. */
  instance: z.string().max(100),
  /** Schema versions of the databases; null for a missing one. */
  schemas: z.strictObject({
    state: z.string().max(200),
    registry: z.int().min(0).nullable(),
    gate: z.int().min(0).nullable(),
  }),
  /** Number of entries that follow, except the sums. */
  files: z.int().min(0),
  bytes: z.int().min(0),
  missing: z.array(missingSchema).max(100_000).readonly(),
});
export type BackupHeader = Readonly<z.infer<typeof headerSchema>>;

/** A file that goes into an archive. */
export interface Member {
  readonly name: string;
  /** Path of its bytes. */
  readonly file: string;
  readonly size: number;
}

export const headerName = 'backup.json';
export const sumsName = 'sha256sums';

export const limits = {
  files: 2_000_000,
  headerBytes: 16 * 1024 * 1024,
  nameBytes: 512 * 1024 * 1024,
} as const;

/** No control characters and no backslash: the sums have one line for each name. */
const file = '[^/\\\\\\p{Cc}\\ufffd]{1,255}';
const blob = 'blobs/sha256/[0-9a-f]{64}';
const memberForm = new RegExp(
  [
    'state/ward\\.db',
    `code/${blob}`,
    'registry/registry\\.db',
    `registry/${blob}`,
    'gate/(?:gate\\.db|policy\\.yaml|waivers\\.json)',
    `gate/(?:vex|rules|keys)/(?!\\.{1,2}$)${file}`,
    'advisories/advisories\\.db',
    'images/index\\.json',
    `images/${blob}`,
    'parameters\\.keys',
    'guest\\.auth',
  ]
    .map((form) => `^(?:${form})$`)
    .join('|'),
  'u',
);

export function isMemberName(name: string): boolean {
  return memberForm.test(name);
}

/** The digest in a blob's name; undefined for any other name. */
export function digestInName(name: string): string | undefined {
  return /\/blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
}

export function sumLine(name: string, sha256: string): string {
  return `${sha256}  ${name}\n`;
}

/** @throws Fault BACKUP_INVALID, BACKUP_NEWER */
export function parseHeader(text: string): BackupHeader {
  const value = jsonOf(text);
  const form = z.object({ form: z.int() }).safeParse(value);
  if (form.success && form.data.form > 1) throw newer('its form');
  const parsed = headerSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidBackup(`${headerName} is not the header of a backup: ${parsed.error.issues[0]?.message}`);
}

export function invalidBackup(why: string, cause?: unknown) {
  return serverFault('BACKUP_INVALID', `the backup can't be used: ${why}`, {
    hint: 'nothing was changed; take another backup, or copy this one again from its source',
    ...(cause === undefined ? {} : { cause }),
  });
}

export function newer(what: string) {
  return serverFault('BACKUP_NEWER', `the backup was made by a newer Ward: this Ward does not know ${what}`, {
    hint: 'restore it with the Ward that made it, or a newer one',
  });
}

function jsonOf(text: string): unknown {
  if (nestsDeeperThan(text, 10)) throw invalidBackup(`${headerName} is nested too deep`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalidBackup(`${headerName} is not JSON`, cause);
  }
}
