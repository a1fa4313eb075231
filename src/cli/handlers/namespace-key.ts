/** `ward namespace key create`, `list`, `delete`. */
import { z } from 'zod';
import type { Context, Handler } from '../command-spec.ts';
import { timeText } from '../entity-fields.ts';
import type { Input } from '../input.ts';
import { localOptions, openServer } from '../local.ts';
import type { Column } from '../table.ts';

/** A key without its secret, as this machine or the API tells. */
export const keySchema = z.object({
  ...{ keyId: z.string(), isFirst: z.boolean(), scope: z.string(), label: z.string() },
  ...{ createdAt: z.number(), expiresAt: z.number().nullable(), maker: z.string().nullable() },
});

export const keyColumns: readonly Column<z.infer<typeof keySchema>>[] = [
  { title: 'key id', cell: ({ keyId }) => keyId, isWhole: true },
  { title: 'scope', cell: ({ scope }) => scope },
  { title: 'created', cell: ({ createdAt }) => timeText(createdAt) },
  { title: 'expires', cell: ({ expiresAt }) => endText(expiresAt) },
  { title: 'label', cell: ({ label, isFirst }) => (isFirst ? 'the first key' : label) },
  { title: 'made by', cell: ({ maker }) => maker ?? '' },
];

export const create: Handler = async (input, context) => {
  const name = input.required(0);
  const { namespaceAdmin } = await openServer();
  await using admin = await namespaceAdmin(localOptions(input));
  const created = await admin.createKey(name, keyRequest(input));
  context.io.ok(`created a key of namespace ${name}; it is shown only now`);
  await showNewKey(created, context);
  return 0;
};

export const list: Handler = async (input, context) => {
  const { namespaceAdmin } = await openServer();
  await using admin = await namespaceAdmin(localOptions(input));
  await context.io.list({
    items: await admin.listKeys(input.required(0)),
    columns: keyColumns,
    name: ({ keyId }) => keyId,
  });
  return 0;
};

export const remove: Handler = async (input, context) => {
  const [name, keyId] = [input.required(0), input.required(1)];
  const { namespaceAdmin } = await openServer();
  await using admin = await namespaceAdmin(localOptions(input));
  await admin.deleteKey(name, keyId);
  context.io.ok(`deleted key ${keyId} of namespace ${name}`);
  return 0;
};

/** What the options ask for. */
export function keyRequest(input: Input) {
  const expiresMs = input.periodMs('expires');
  const label = input.text('label');
  return {
    scope: input.text('scope') ?? 'full',
    ...(label === undefined ? {} : { label }),
    ...(expiresMs === undefined ? {} : { expiresAt: Date.now() + expiresMs }),
  };
}

export async function showNewKey(
  created: z.infer<typeof keySchema> & { readonly key: string },
  { io }: Pick<Context, 'io'>,
): Promise<void> {
  await io.record({
    fields: [
      ['key', created.key],
      ['scope', created.scope],
      ['expires', endText(created.expiresAt)],
      ['label', created.label],
    ],
    name: created.keyId,
    data: created,
  });
}

function endText(expiresAt: number | null): string {
  return expiresAt === null ? 'never' : timeText(expiresAt);
}
