/** `ward namespace key`: further keys of a namespace, which can do less than its first key. */
import type { CommandSpec, GroupSpec, OptionSpec } from '../command-spec.ts';

const nameArgument = { name: '<name>', summary: 'name of the namespace' };

export const keyOptions: readonly OptionSpec[] = [
  {
    flags: '--scope <SCOPE>',
    summary: 'what the key can do (full)',
    choices: ['admin', 'full', 'deploy', 'invoke', 'read'],
  },
  { flags: '--expires <PERIOD>', summary: 'when the key expires: 12h, 30d (never)' },
  { flags: '--label <TEXT>', summary: 'purpose of the key' },
];

const create: CommandSpec = {
  name: 'create',
  summary: 'create a further key of a namespace and show it once (operator)',
  works: 'local',
  dataFolder: 'changes',
  args: [nameArgument],
  options: keyOptions,
  examples: [
    {
      command: 'ward namespace key create acme --scope invoke --expires 30d --label "the shop"',
      does: 'for a program that only calls actions',
    },
  ],
  handler: async () => (await import('../handlers/namespace-key.ts')).create,
};

const list: CommandSpec = {
  name: 'list',
  summary: 'list the keys of a namespace, without their secrets (operator)',
  works: 'local',
  dataFolder: 'reads',
  args: [nameArgument],
  options: [],
  examples: [{ command: 'ward namespace key list acme', does: 'shows what each key can do, and until when' }],
  handler: async () => (await import('../handlers/namespace-key.ts')).list,
};

const remove: CommandSpec = {
  name: 'delete',
  summary: 'delete a further key of a namespace (operator)',
  works: 'local',
  dataFolder: 'changes',
  args: [nameArgument, { name: '<key-id>', summary: 'the public half of the key, from the list' }],
  options: [],
  examples: [
    {
      command: 'ward namespace key delete acme 23bc46b1-71f6-4ed5-8c54-816aa4f8c502',
      does: 'the key stops working at once',
    },
  ],
  handler: async () => (await import('../handlers/namespace-key.ts')).remove,
};

export const namespaceKeyGroup: GroupSpec = {
  name: 'key',
  summary: 'further keys: with a scope, a label and an expiry',
  commands: [create, list, remove],
};
