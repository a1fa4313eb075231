/** `ward member list`, `logout`. */
import type { Handler } from '../command-spec.ts';
import { numberOf, textOf, timeText } from '../entity-fields.ts';

const root = '/ward/v1';

export const list: Handler = async (_input, context) => {
  const client = await context.client();
  await context.io.list({
    items: await client.sendForList({ method: 'GET', root, path: ['members'] }),
    columns: [
      { title: 'member', cell: ({ name }) => textOf(name) },
      { title: 'role', cell: ({ role }) => textOf(role) },
      { title: 'last login', cell: ({ lastLoginAt }) => timeText(lastLoginAt) },
      { title: 'first login', cell: ({ firstLoginAt }) => timeText(firstLoginAt), isWide: true },
      { title: 'keys', cell: ({ keys }) => String(numberOf(keys) ?? 0), align: 'right' },
      { title: 'id', cell: ({ id }) => textOf(id), isWhole: true },
    ],
    name: ({ id }) => textOf(id),
  });
  return 0;
};

export const logout: Handler = async (input, context) => {
  const client = await context.client();
  const path = ['members', input.required(0), 'logins'];
  const { ended } = await client.sendForObject({ method: 'DELETE', root, path });
  context.io.ok(`logged out of your namespace: ${numberOf(ended) ?? 0} keys`);
  return 0;
};
