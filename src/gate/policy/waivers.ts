/**
 * Waivers: entries of the ignore list that operators add while Ward runs, each with a reason and an end. They are kept in the
 * gate's store, and count as if the policy had them.
 */
import { z } from 'zod';
import { randomHex } from '../../lib/index.ts';
import { gateFault } from '../faults.ts';
import { parsePackageUrl } from '../package-url.ts';
import { ignoreEntry, type SomeRules } from './rules-schema.ts';

const asked = z.strictObject({
  /** Id of a finding, an alias or a rule; `gap` for unreadable parts. */
  finding: ignoreEntry.shape.id,
  /** A pattern; absent: all namespaces. */
  namespace: z.string().min(1).max(256).optional(),
  purl: ignoreEntry.shape.purl.refine(
    (text) => text === undefined || parsePackageUrl(text) !== undefined,
    'not a package URL; write it like pkg:npm/lodash or pkg:npm/lodash@4.17.15',
  ),
  path: ignoreEntry.shape.path,
  reason: ignoreEntry.shape.reason,
  expires: ignoreEntry.shape.expires,
});
const waiver = asked.extend({
  by: ignoreEntry.shape.by,
  id: z.string().regex(/^[0-9a-f]{16}$/),
  /** ISO time. */
  createdAt: z.iso.datetime(),
});
const file = z.strictObject({ form: z.literal(1), waivers: z.array(waiver).max(10_000) });

export type Waiver = Readonly<z.infer<typeof waiver>>;

/**
 * @param by who waives: as authenticated, not as told
 * @param now epoch milliseconds
 * @throws Fault WAIVER_INVALID
 */
export function newWaiver(given: unknown, by: string, now: number): Waiver {
  const parsed = asked.safeParse(given);
  if (!parsed.success) throw gateFault('WAIVER_INVALID', textOf(parsed.error));
  const createdAt = new Date(now).toISOString();
  if (parsed.data.expires < createdAt.slice(0, 10))
    throw gateFault('WAIVER_INVALID', `expires: ${parsed.data.expires} is over already`);
  return { id: randomHex(8), createdAt, by, ...parsed.data };
}

/** Returns one waiver, or none when the text is not one. */
export function parseWaiver(text: string): readonly Waiver[] {
  try {
    const parsed = waiver.safeParse(JSON.parse(text));
    return parsed.success ? [parsed.data] : [];
  } catch {
    return [];
  }
}

/** Reads the file in which earlier versions kept them. @throws Fault POLICY_INVALID */
export function parseWaivers(text: string): readonly Waiver[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw gateFault('POLICY_INVALID', 'the file of waivers is not JSON');
  }
  const parsed = file.safeParse(value);
  if (parsed.success) return parsed.data.waivers;
  throw gateFault('POLICY_INVALID', `the file of waivers: ${textOf(parsed.error)}`);
}

/** Rules of the policy's form, one layer for each pattern of namespaces. */
export function waiverLayers(
  waivers: readonly Waiver[],
): readonly { readonly namespaces?: readonly string[]; readonly rules: SomeRules }[] {
  const byNamespace = Map.groupBy(waivers, ({ namespace }) => namespace);
  return [...byNamespace].map(([namespace, its]) => ({
    ...(namespace === undefined ? {} : { namespaces: [namespace] }),
    rules: {
      ignore: its.map(({ finding, purl, path, reason, by, expires }) => ({
        ...{ id: finding, reason, by, expires },
        ...(purl === undefined ? {} : { purl }),
        ...(path === undefined ? {} : { path }),
      })),
    },
  }));
}

function textOf({ issues: [issue] }: z.ZodError): string {
  const place = issue?.path.join('.') ?? '';
  return `${place === '' ? 'the body' : place}: ${issue?.message ?? 'not a waiver'}`;
}
