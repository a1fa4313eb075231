/** `ward namespace key create`, `list`, `delete`. */
import type { Handler } from '../command-spec.ts';
import { timeText } from '../entity-fields.ts';
import { localOptions, openServer } from '../local.ts';

export const create: Handler = async (input, context) => {
  const name = input.required(0);
  const expiresMs = input.periodMs('expires');
  const label = input.text('label');
  const { namespaceAdmin } = await openServer();
  await using admin = await namespaceAdmin(localOptions(input));
  const created = await admin.createKey(name, {
    scope: input.text('scope') ?? 'full',
    ...(label === undefined ? {} : { label }),
    ...(expiresMs === undefined ? {} : { expiresAt: Date.now() + expiresMs }),
  });
  context.io.ok(`created a key of namespace ${name}; it is shown only now`);
  await context.io.record({
    fields: [
      ['namespace', name],
      ['key', created.key],
      ['scope', created.scope],
      ['expires', endText(created.expiresAt)],
      ['label', created.label],
    ],
    name: created.keyId,
    data: created,
  });
  return 0;
};

export const list: Handler = async (input, context) => {
  const { namespaceAdmin } = await openServer();
  await using admin = await namespaceAdmin(localOptions(input));
  await context.io.list({
    items: await admin.listKeys(input.required(0)),
    columns: [
      { title: 'key id', cell: ({ keyId }) => keyId, isWhole: true },
      { title: 'scope', cell: ({ scope }) => scope },
      { title: 'created', cell: ({ createdAt }) => timeText(createdAt) },
      { title: 'expires', cell: ({ expiresAt }) => endText(expiresAt) },
      { title: 'label', cell: ({ label, isFirst }) => (isFirst ? 'the first key' : label) },
    ],
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

function endText(expiresAt: number | null): string {
  return expiresAt === null ? 'never' : timeText(expiresAt);
}
