/** `ward key`: keys of the namespace in use, which an admin of it makes. The operator has `ward namespace key`. */
import type { CommandSpec, GroupSpec } from '../command-spec.ts';
import { keyOptions } from './namespace-key.ts';

const create: CommandSpec = {
  name: 'create',
  summary: 'create a further key of your namespace and show it once (admin)',
  works: 'remote',
  args: [],
  options: keyOptions,
  examples: [
    {
      command: 'ward key create --scope invoke --expires 30d --label "the shop"',
      does: 'for a program that only calls actions',
    },
    { command: 'ward key create --scope deploy -q -o name', does: 'prints only the id of the key' },
  ],
  handler: async () => (await import('../handlers/key.ts')).create,
};

const list: CommandSpec = {
  name: 'list',
  summary: 'list the keys of your namespace and who made them, without their secrets (admin)',
  works: 'remote',
  args: [],
  options: [],
  examples: [{ command: 'ward key list', does: 'shows what each key can do, and until when' }],
  handler: async () => (await import('../handlers/key.ts')).list,
};

const remove: CommandSpec = {
  name: 'delete',
  summary: 'delete a further key of your namespace (admin)',
  works: 'remote',
  args: [{ name: '<key-id>', summary: 'the public half of the key, from the list' }],
  options: [],
  examples: [
    {
      command: 'ward key delete 23bc46b1-71f6-4ed5-8c54-816aa4f8c502',
      does: 'the key stops working at once',
    },
  ],
  handler: async () => (await import('../handlers/key.ts')).remove,
};

export const keyGroup: GroupSpec = {
  name: 'key',
  summary: 'keys of your namespace: with a scope, a label and an expiry',
  commands: [create, list, remove],
};
