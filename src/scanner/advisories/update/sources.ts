/** Reads the list of advisory sources, `policies/advisories/sources.yaml`. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { messageOf, parseSize } from '../../../lib/index.ts';
import { scannerFault } from '../../faults.ts';
import { type Form, forms } from '../forms/form.ts';

export interface AdvisorySource {
  readonly name: string;
  readonly form: Form;
  readonly url: string;
  readonly licence: string;
  readonly maxBytes: number;
  /** The least number of records. An export with fewer was cut short. */
  readonly leastRecords?: number | undefined;
  /** The export holds only the latest changes, so it may shrink. */
  readonly isRolling?: boolean | undefined;
}

const word = z
  .string()
  .min(1)
  .max(200)
  // Half a surrogate pair can't be part of a URL.
  .refine((text) => text.isWellFormed(), 'has half of a surrogate pair');
const entry = z.strictObject({
  name: word,
  form: z.enum(forms),
  url: z.string().max(2000),
  licence: word,
  maxSize: z
    .string()
    .transform((text) => parseSize(text))
    .pipe(z.number().positive()),
  least: z.int().min(1).max(1_000_000_000).optional(),
  rolling: z.boolean().optional(),
  each: z.array(word).min(1).max(200).default(['']),
});
const document = z.strictObject({ sources: z.array(entry).min(1).max(200) });

/** The list that comes with Ward. */
export function defaultAdvisorySources(): readonly AdvisorySource[] {
  const path = fileURLToPath(new URL('../../../../policies/advisories/sources.yaml', import.meta.url));
  return parseAdvisorySources(readFileSync(path, 'utf8'));
}

/** @throws Fault ADVISORY_SOURCES_INVALID */
export function parseAdvisorySources(text: string): readonly AdvisorySource[] {
  const sources = parseDocument(text).sources.flatMap(({ each, maxSize, least, rolling, ...rest }) =>
    each.map((part) => ({
      ...rest,
      name: rest.name.replaceAll('{}', part),
      url: rest.url.replaceAll('{}', encodeURI(part)),
      maxBytes: maxSize,
      leastRecords: least,
      isRolling: rolling,
    })),
  );
  const names = new Set<string>();
  for (const { name, url } of sources) {
    if (names.has(name)) throw invalid(`two sources are called ${name}`);
    names.add(name);
    if (!isSafeUrl(url)) throw invalid(`the URL of ${name} is neither https nor on this machine`);
  }
  return sources;
}

/** Requires TLS, except for the loopback of this machine. */
export function isSafeUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return false;
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
}

function parseDocument(text: string): z.infer<typeof document> {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw invalid(messageOf(error));
  }
  const parsed = document.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(z.prettifyError(parsed.error));
}

function invalid(reason: string): Error {
  return scannerFault('ADVISORY_SOURCES_INVALID', `the list of sources is invalid: ${reason}`, {
    hint: 'See docs/advisories.md for its form.',
  });
}
