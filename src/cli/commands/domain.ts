/** `ward domain`: names at which the web actions or an API of a namespace are served. */
import type { CommandSpec, GroupSpec } from '../command-spec.ts';

const nameArgument = { name: '<domain>', summary: 'its whole name, such as shop.example.com' };

const create: CommandSpec = {
  name: 'create',
  summary: 'claim a domain for a package or an API, and show the DNS record that proves it',
  works: 'remote',
  args: [nameArgument],
  options: [
    {
      flags: '--package <NAME>',
      summary: 'serve the web actions of this package; `default` for those outside of packages',
    },
    { flags: '--api <BASE_PATH>', summary: 'serve this API of the gateway' },
  ],
  examples: [
    { command: 'ward domain create shop.example.com --package shop', does: 'web actions, at /NAME' },
    { command: 'ward domain create api.example.com --api /club', does: 'an API, without its base path' },
  ],
  handler: async () => (await import('../handlers/domain.ts')).create,
};

const verify: CommandSpec = {
  name: 'verify',
  summary: 'look for the DNS record of a domain, and serve it from then on',
  works: 'remote',
  args: [nameArgument],
  options: [],
  examples: [{ command: 'ward domain verify shop.example.com', does: 'when the TXT record is there' }],
  handler: async () => (await import('../handlers/domain.ts')).verify,
};

const get: CommandSpec = {
  name: 'get',
  summary: 'show what a domain serves, and the DNS record that proves it',
  works: 'remote',
  args: [nameArgument],
  options: [],
  examples: [{ command: 'ward domain get shop.example.com', does: 'also shows whether it is proved' }],
  handler: async () => (await import('../handlers/domain.ts')).get,
};

const list: CommandSpec = {
  name: 'list',
  summary: 'list the domains of the namespace',
  works: 'remote',
  args: [],
  options: [],
  examples: [{ command: 'ward domain list', does: 'by name, proved or not' }],
  handler: async () => (await import('../handlers/domain.ts')).list,
};

const remove: CommandSpec = {
  name: 'delete',
  summary: 'stop serving a domain, and give up the claim to it',
  works: 'remote',
  args: [nameArgument],
  options: [],
  examples: [{ command: 'ward domain delete shop.example.com', does: 'its actions stay' }],
  handler: async () => (await import('../handlers/domain.ts')).remove,
};

export const domainGroup: GroupSpec = {
  name: 'domain',
  summary: 'domains of your own for web actions and APIs',
  commands: [create, verify, get, list, remove],
};
