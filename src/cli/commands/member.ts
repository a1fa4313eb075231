/** `ward member`: who has logged in to the namespace in use. */
import type { CommandSpec, GroupSpec } from '../command-spec.ts';

const list: CommandSpec = {
  name: 'list',
  summary: 'list who has logged in to your namespace, with the role and the last login (admin)',
  works: 'remote',
  args: [],
  options: [],
  examples: [{ command: 'ward member list', does: 'the last login first' }],
  handler: async () => (await import('../handlers/member.ts')).list,
};

const logout: CommandSpec = {
  name: 'logout',
  summary: 'end all logins of a member in your namespace (admin)',
  works: 'remote',
  args: [{ name: '<member-id>', summary: 'the id of the member, from the list' }],
  options: [],
  examples: [
    {
      command: `ward member logout ${'9f86d081884c7d65'.repeat(4)}`,
      does: 'the member has to log in at the issuer again',
    },
  ],
  handler: async () => (await import('../handlers/member.ts')).logout,
};

export const memberGroup: GroupSpec = {
  name: 'member',
  summary: 'people and pipelines that have logged in to your namespace',
  commands: [list, logout],
};
