/** The setting `kindAliases`, apart from what it means: the keeper reads settings, and does not load what kinds there are. */
import { z } from 'zod';

export const kindName = z
  .string()
  .max(64)
  .regex(/^[a-z0-9]+(?::[a-z0-9][a-z0-9.-]*)?$/, 'not the name of a kind');

/** `false` for no aliases, or changes to Ward's own table, where `null` removes an alias. */
export const kindAliasesSchema = z.union([z.boolean(), z.record(kindName, kindName.nullable())]);
export type KindAliases = z.infer<typeof kindAliasesSchema>;
