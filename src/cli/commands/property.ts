/** `ward property`: the settings that `~/.wskprops` keeps. */
import type { CommandSpec, GroupSpec } from '../command-spec.ts';

const get: CommandSpec = {
  name: 'get',
  summary: 'show which server and key are used, and where each was read',
  works: 'alone',
  args: [],
  options: [
    { flags: '--all', summary: 'all of them, those that the server is asked for, too' },
    { flags: '--apihost', summary: 'the address alone' },
    { flags: '-u, --auth', summary: 'the key alone, unmasked' },
    { flags: '--namespace', summary: 'the namespace alone' },
    { flags: '--apiversion', summary: 'the version of the API alone' },
    { flags: '--cliversion', summary: 'the version of this command line alone' },
    { flags: '--apibuild', summary: 'what the server says it is' },
    { flags: '--apibuildno', summary: 'and which build' },
  ],
  examples: [
    { command: 'ward property get', does: 'all, the key masked' },
    { command: 'ward property get --auth', does: 'the key, to copy it' },
    { command: 'ward property get --apibuild', does: 'asks the server' },
  ],
  handler: async () => (await import('../handlers/property.ts')).get,
};

const set: CommandSpec = {
  name: 'set',
  summary: 'keep settings in ~/.wskprops (or the file that WSK_CONFIG_FILE names)',
  works: 'alone',
  args: [],
  options: [
    { flags: '--apihost <URL>', summary: 'the server' },
    { flags: '-u, --auth <KEY>', summary: 'the key, uuid:secret' },
    { flags: '--namespace <NAME>', summary: 'the namespace for names that say none' },
  ],
  examples: [
    {
      command: 'ward property set --apihost https://ward.example.org --auth "$KEY"',
      does: 'use another server from now on',
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
  examples: [{ command: 'ward property unset --apihost --auth', does: 'back to the server of this machine' }],
  handler: async () => (await import('../handlers/property.ts')).unset,
};

export const propertyGroup: GroupSpec = {
  name: 'property',
  summary: 'settings of this command line',
  commands: [get, set, unset],
};
