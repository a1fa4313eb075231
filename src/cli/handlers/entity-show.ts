/** Shows one entity: as a record, one field of it, or in words; also the result of a write. */
import type { JsonObject } from '../../lib/index.ts';
import type { Context } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { withoutSecrets } from '../secrets.ts';

interface EntityView {
  /** `action`, for messages. */
  readonly noun: string;
  readonly name: string;
  readonly entity: JsonObject;
  readonly fields: readonly (readonly [label: string, value: string])[];
  readonly summary: readonly string[];
}

/** `get NAME [FIELD] [--summary]` for a fetched entity. @throws Fault USAGE for a field that it does not have */
export async function showEntity(input: Input, { io }: Context, view: EntityView): Promise<number> {
  const { entity, name, noun } = view;
  const field = input.optional(1);
  if (input.has('summary')) {
    if (field !== undefined) throw cliFault('USAGE', 'a field and --summary exclude each other');
    io.lines(view.summary);
    return 0;
  }
  if (field === undefined) {
    await io.record({ fields: view.fields, name, data: entity });
    return 0;
  }
  const value = Object.hasOwn(entity, field) ? entity[field] : undefined;
  if (value === undefined)
    throw cliFault('USAGE', `${noun} ${name} has no field '${field}'`, {
      hint: `fields: ${Object.keys(entity).join(', ')}`,
    });
  await io.value(value);
  return 0;
}

/** For users `ok: …` is enough; programs asked for the entity. */
export async function showForPrograms({ io }: Context, name: string, entity: JsonObject): Promise<void> {
  if (io.format === 'json' || io.format === 'yaml' || io.format === 'name')
    await io.record({ fields: [], name, data: withoutSecrets(entity).entity });
}
