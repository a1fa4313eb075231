/** A YAML file of rules, read strictly: an unknown key is an error, with where it is. */
import { parse } from 'yaml';
import { z } from 'zod';
import { messageOf } from '../../lib/index.ts';
import { scannerFault } from '../faults.ts';
import { severities } from '../types.ts';

export const ruleId = z.string().regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'words of a-z and 0-9, joined by hyphens');
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

/** @throws Fault RULES_INVALID when an id is there twice. */
export function requireUniqueIds(rules: readonly { readonly id: string }[]): void {
  const seen = new Set<string>();
  for (const { id } of rules) {
    if (seen.has(id)) throw scannerFault('RULES_INVALID', `the rule ${id} is there twice`);
    seen.add(id);
  }
}
