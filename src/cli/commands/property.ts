/** `ward property`: the settings that `~/.wskprops` keeps. */
import type { CommandSpec, GroupSpec } from '../command-spec.ts';

const get: CommandSpec = {
  name: 'get',
  summary: 'show the server and the key in use, and where each comes from',
  works: 'alone',
  args: [],
  options: [
    { flags: '--all', summary: 'show everything, including what the server reports' },
    { flags: '--apihost', summary: 'show only the address' },
    { flags: '-u, --auth', summary: 'show only the key, unmasked' },
    { flags: '--namespace', summary: 'show only the namespace' },
    { flags: '--apiversion', summary: 'show only the version of the API' },
    { flags: '--cliversion', summary: 'show only the version of this command line' },
    { flags: '--apibuild', summary: 'show only the build that the server reports' },
    { flags: '--apibuildno', summary: 'show only the build number that the server reports' },
  ],
  examples: [
    { command: 'ward property get', does: 'shows everything, with a masked key' },
    { command: 'ward property get --auth', does: 'shows the key, to copy it' },
    { command: 'ward property get --apibuild', does: 'asks the server' },
  ],
  handler: async () => (await import('../handlers/property.ts')).get,
};

const set: CommandSpec = {
  name: 'set',
  summary: 'store settings in ~/.wskprops (or the file that WSK_CONFIG_FILE names)',
  works: 'alone',
  args: [],
  options: [
    { flags: '--apihost <URL>', summary: 'the server' },
    { flags: '-u, --auth <KEY>', summary: 'the key, uuid:secret' },
    { flags: '--namespace <NAME>', summary: 'the namespace for names without one' },
  ],
  examples: [
    {
      command: 'ward property set --apihost https://ward.example.org --auth "$KEY"',
      does: 'uses another server from now on',
    },
  ],
  handler: async () => (await import('../handlers/property.ts')).set,
};

const unset: CommandSpec = {
  name: 'unset',
  summary: 'remove settings from ~/.wskprops',
  works: 'alone',
  args: [],
  options: [
    { flags: '--apihost', summary: 'the server' },
    { flags: '-u, --auth', summary: 'the key' },
    { flags: '--namespace', summary: 'the namespace' },
  ],
  examples: [
    { command: 'ward property unset --apihost --auth', does: 'goes back to the server on this machine' },
  ],
  handler: async () => (await import('../handlers/property.ts')).unset,
};

export const propertyGroup: GroupSpec = {
  name: 'property',
  summary: 'settings of the command line',
  commands: [get, set, unset],
};
