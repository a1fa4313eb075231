/** `ward namespace create`, `delete`, `rotate-key`, `limits`: operator's commands on the data of this machine. */
import type { Context, Handler } from '../command-spec.ts';
import type { Input } from '../input.ts';
import { localOptions, openServer } from '../local.ts';
import { typedLimits } from '../namespace-limit-options.ts';
import { limitFields } from './namespace.ts';

export const create: Handler = async (input, context) => {
  await using admin = await openAdmin(input);
  const created = await admin.create(input.required(0));
  context.io.ok(`created namespace ${created.name}; its key is shown only now`);
  await showKey(created, context);
  return 0;
};

export const remove: Handler = async (input, context) => {
  await using admin = await openAdmin(input);
  const name = input.required(0);
  await admin.delete(name);
  context.io.ok(`deleted namespace ${name}`);
  return 0;
};

export const rotateKey: Handler = async (input, context) => {
  await using admin = await openAdmin(input);
  const rotated = await admin.rotateKey(input.required(0));
  context.io.ok(`replaced the key of namespace ${rotated.name}; the new one is shown only now`);
  await showKey(rotated, context);
  return 0;
};

export const limits: Handler = async (input, context) => {
  const patch = typedLimits(input);
  await using admin = await openAdmin(input);
  const name = input.required(0);
  const effective = { ...(await admin.limits(name, patch)) };
  if (Object.keys(patch).length > 0) context.io.ok(`changed the limits of namespace ${name}`);
  await context.io.record({ fields: limitFields(effective), name, data: effective });
  return 0;
};

async function openAdmin(input: Input) {
  const { namespaceAdmin } = await openServer();
  return namespaceAdmin(localOptions(input));
}

async function showKey(
  { name, key }: { readonly name: string; readonly key: string },
  context: Context,
): Promise<void> {
  await context.io.record({
    fields: [
      ['namespace', name],
      ['key', key],
    ],
    name,
    data: { name, key },
  });
}
