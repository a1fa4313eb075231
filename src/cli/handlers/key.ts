/** `ward key create`, `list`, `delete`. */
import { z } from 'zod';
import type { Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import { keyColumns, keyRequest, keySchema, showNewKey } from './namespace-key.ts';

const root = '/ward/v1';

const newKeySchema = keySchema.extend({ key: z.string() });

export const create: Handler = async (input, context) => {
  const client = await context.client();
  const body = { ...keyRequest(input) };
  const answer = await client.sendForObject({ method: 'POST', root, path: ['keys'], body });
  context.io.ok('created a key of your namespace; it is shown only now');
  await showNewKey(parsed(newKeySchema, answer), context);
  return 0;
};

export const list: Handler = async (_input, context) => {
  const client = await context.client();
  const answer = await client.sendForList({ method: 'GET', root, path: ['keys'] });
  await context.io.list({
    items: answer.map((each) => parsed(keySchema, each)),
    columns: keyColumns,
    name: ({ keyId }) => keyId,
  });
  return 0;
};

export const remove: Handler = async (input, context) => {
  const keyId = input.required(0);
  const client = await context.client();
  await client.send({ method: 'DELETE', root, path: ['keys', keyId] });
  context.io.ok(`deleted key ${keyId}`);
  return 0;
};

function parsed<T>(schema: z.ZodType<T>, answer: unknown): T {
  const { data } = schema.safeParse(answer);
  if (data !== undefined) return data;
  throw cliFault('SERVER_NOT_WARD', 'the server answered with something other than a key');
}
