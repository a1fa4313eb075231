/**
 * Finds the known holes of an installed runtime, and whether Ward's configuration answers them. Pure except for the
 * data file.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import SemVer from 'semver/classes/semver.js';
import { z } from 'zod';
import type { RuntimeFeatures } from '../host/features.ts';
import type { RuntimeAdvisoryPolicy } from '../policy.ts';
import type { RuntimeName } from '../types.ts';

export interface RuntimeAdvisory {
  readonly id: string;
  readonly title: string;
  readonly affected: readonly { readonly introduced: string; readonly fixed?: string | undefined }[];
  readonly reference: string;
  /** The part of Ward that keeps an attacker from the hole; undefined: none does. */
  readonly answer?: string | undefined;
}

const versionText = z.string().regex(/^\d+(?:\.\d+){0,2}(?:-rc\.?\d+)?$/);
const advisorySchema = z.strictObject({
  id: z.string().regex(/^CVE-\d{4}-\d+$/),
  title: z.string(),
  affected: z.array(z.strictObject({ introduced: versionText, fixed: versionText.optional() })).min(1),
  reference: z.url(),
  answer: z.string().optional(),
});
const fileSchema = z.strictObject({
  crun: z.array(advisorySchema),
  runc: z.array(advisorySchema),
  runsc: z.array(advisorySchema),
});

const file = join(import.meta.dirname, '../../../policies/runtimes.yaml');
let read: Readonly<Record<RuntimeName, readonly RuntimeAdvisory[]>> | undefined;

/** All known holes, by runtime. */
export function knownAdvisories(): Readonly<Record<RuntimeName, readonly RuntimeAdvisory[]>> {
  if (read !== undefined) return read;
  // Loaded late: most processes that load this room don't need it.
  const { parse }: typeof import('yaml') = createRequire(import.meta.url)('yaml');
  read = fileSchema.parse(parse(readFileSync(file, 'utf8')));
  return read;
}

type Installed = Pick<RuntimeFeatures, 'name' | 'version' | 'packageFixes'>;

/** The holes of this version. An unreadable version has every hole that the package has not fixed. */
export function advisoriesOf(runtime: Installed, known = knownAdvisories()): readonly RuntimeAdvisory[] {
  const version = readVersion(runtime.name, runtime.version);
  return known[runtime.name].filter(
    ({ id, affected }) =>
      !runtime.packageFixes.includes(id) &&
      (version === undefined || affected.some((range) => isWithin(runtime.name, version, range))),
  );
}

/** The holes because of which no sandbox may start. */
export function refusedAdvisories(
  runtime: Installed,
  policy: RuntimeAdvisoryPolicy,
  known = knownAdvisories(),
): readonly RuntimeAdvisory[] {
  if (policy === 'warn') return [];
  return advisoriesOf(runtime, known).filter(({ answer }) => policy === 'refuse' || answer === undefined);
}

function isWithin(
  name: RuntimeName,
  version: SemVer,
  { introduced, fixed }: RuntimeAdvisory['affected'][number],
): boolean {
  const from = readVersion(name, introduced);
  const to = fixed === undefined ? undefined : readVersion(name, fixed);
  return (from === undefined || version.compare(from) >= 0) && (to === undefined || version.compare(to) < 0);
}

/** Reads a version: runc's are semantic, older ones with `rc95` for `rc.95`; crun has `1.21`; gVisor has dates. */
function readVersion(name: RuntimeName, text: string): SemVer | undefined {
  if (name === 'runsc') {
    const date = /(?:^|\D)(\d{8})(?!\d)/.exec(text)?.[1] ?? (text === '0' ? '0' : undefined);
    return date === undefined ? undefined : new SemVer(`${date}.0.0`);
  }
  const [, numbers, candidate] = /^v?(\d+(?:\.\d+){0,2})(?:[-~]rc\.?(\d+))?/.exec(text) ?? [];
  if (numbers === undefined) return undefined;
  const [major = '0', minor = '0', patch = '0'] = numbers.split('.');
  return new SemVer(`${major}.${minor}.${patch}${candidate === undefined ? '' : `-rc.${Number(candidate)}`}`);
}
