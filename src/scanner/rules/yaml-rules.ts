/** Reads a YAML file of rules strictly: an unknown key is an error that names the place. */
import { parse } from 'yaml';
import { z } from 'zod';
import { Fault, messageOf } from '../../lib/index.ts';
import { scannerFault } from '../faults.ts';
import { severities } from '../types.ts';

export const ruleId = z
  .string()
  .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'words of a-z and 0-9, joined by hyphens');
export const sentence = z.string().min(10).max(1000);
export const severityName = z.enum(severities);
export const globs = z.array(z.string().min(1).max(500)).max(1000);

/** @throws Fault RULES_INVALID */
export function parseRules<Output>(text: string, schema: z.ZodType<Output>): Output {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw scannerFault('RULES_INVALID', messageOf(error));
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw scannerFault('RULES_INVALID', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`);
}

/** @throws Fault RULES_INVALID when an id appears twice */
export function requireUniqueIds(rules: readonly { readonly id: string }[]): void {
  const seen = new Set<string>();
  for (const { id } of rules) {
    if (seen.has(id)) throw scannerFault('RULES_INVALID', `the rule ${id} appears twice`);
    seen.add(id);
  }
}

/** Adds the id of the rule to a fault. */
export function inRule<Result>(id: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw scannerFault('RULES_INVALID', `the rule ${id}: ${error.message}`);
  }
}

/** Named lists of globs, which other lists include as `$name`. */
export const pathLists = z.record(z.string(), globs);

/** @throws Fault RULES_INVALID when a named list does not exist */
export function expandGlobs(list: readonly string[], lists: z.output<typeof pathLists>): readonly string[] {
  return list.flatMap((glob) => {
    if (!glob.startsWith('$')) return [glob];
    const named = Object.hasOwn(lists, glob.slice(1)) ? lists[glob.slice(1)] : undefined;
    if (named === undefined) throw scannerFault('RULES_INVALID', `there is no list of paths ${glob}`);
    return named;
  });
}
