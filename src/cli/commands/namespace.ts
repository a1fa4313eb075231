/** `ward namespace`: `list` and `get` ask the server; the rest is the operator's, on the machine itself. */
import type { CommandSpec, GroupSpec } from '../command-spec.ts';
import { namespaceLimitOptions } from '../namespace-limit-options.ts';
import { pageOptions } from './common-options.ts';
import { namespaceKeyGroup } from './namespace-key.ts';

const nameArgument = { name: '<name>', summary: 'name of the namespace' };

const list: CommandSpec = {
  name: 'list',
  summary: 'list the namespaces of the key, or all with their limits, last use and disk (operator)',
  works: 'remote',
  args: [],
  options: [
    { flags: '-a, --all', summary: 'list every namespace of the server on this machine, by name' },
    ...pageOptions.map(({ flags, summary }) => ({ flags, summary: `with --all: ${summary}` })),
    { flags: '--config <FILE>', summary: 'with --all: configuration file of the server (WARD_CONFIG)' },
  ],
  examples: [
    { command: 'ward namespace list', does: 'usually one namespace' },
    { command: 'ward namespace list --all', does: 'all namespaces, and what each uses' },
    { command: 'ward namespace list --all -o json -l 0 -s 200', does: 'the next 200, as JSON' },
  ],
  handler: async () => (await import('../handlers/namespace.ts')).list,
};

const get: CommandSpec = {
  name: 'get',
  summary: 'show the limits of a namespace and how much it contains',
  works: 'remote',
  args: [{ name: '[name]', summary: 'name of the namespace; without it, the namespace of the key' }],
  options: [],
  examples: [{ command: 'ward namespace get', does: 'the namespace of the key' }],
  handler: async () => (await import('../handlers/namespace.ts')).get,
};

const calls: CommandSpec = {
  name: 'calls',
  summary: 'show how the calls of all namespaces go now, the largest share of failures first (operator)',
  works: 'local',
  dataFolder: 'reads',
  args: [],
  options: [
    {
      flags: '--window <TIME>',
      summary: 'the last 5 minutes, hour (the usual) or day',
      choices: ['5m', '1h', '1d'],
    },
    ...pageOptions,
  ],
  examples: [
    {
      command: 'ward namespace calls',
      does: 'shows calls, failures, durations and cold starts of the last hour',
    },
    {
      command: 'ward namespace calls --window 5m -o json',
      does: 'shows the last five minutes, and each of them',
    },
  ],
  handler: async () => (await import('../handlers/namespace-calls.ts')).calls,
};

const create: CommandSpec = {
  name: 'create',
  summary: 'create a namespace and show its key once (operator)',
  works: 'local',
  dataFolder: 'changes',
  args: [nameArgument],
  options: [],
  examples: [
    { command: 'ward namespace create acme', does: 'prints the name and the key' },
    {
      command: 'ward namespace create acme --data /srv/ward -o json',
      does: 'in another data folder, as JSON',
    },
  ],
  handler: async () => (await import('../handlers/namespace-admin.ts')).create,
};

const remove: CommandSpec = {
  name: 'delete',
  summary: 'delete a namespace and everything in it (operator)',
  works: 'local',
  dataFolder: 'changes',
  args: [nameArgument],
  options: [],
  examples: [{ command: 'ward namespace delete acme', does: 'its keys stop working at once' }],
  handler: async () => (await import('../handlers/namespace-admin.ts')).remove,
};

const rotateKey: CommandSpec = {
  name: 'rotate-key',
  summary: 'replace the first key of a namespace and show the new key once (operator)',
  works: 'local',
  dataFolder: 'changes',
  args: [nameArgument],
  options: [],
  examples: [{ command: 'ward namespace rotate-key acme', does: 'the old key stops working at once' }],
  handler: async () => (await import('../handlers/namespace-admin.ts')).rotateKey,
};

const limits: CommandSpec = {
  name: 'limits',
  summary: 'show or change the limits of a namespace; `default` restores the server’s limit (operator)',
  works: 'local',
  dataFolder: 'changes',
  args: [nameArgument],
  options: namespaceLimitOptions,
  examples: [
    { command: 'ward namespace limits acme', does: 'shows the limits' },
    {
      command: 'ward namespace limits acme --invocations-per-minute 600 --concurrent 50',
      does: 'changes two limits',
    },
    {
      command: 'ward namespace limits acme --allowed-kinds nodejs:24,python:3.13 --max-memory default',
      does: 'changes one limit and resets another',
    },
  ],
  handler: async () => (await import('../handlers/namespace-admin.ts')).limits,
};

export const namespaceGroup: GroupSpec = {
  name: 'namespace',
  summary: 'tenants, their keys and their limits',
  commands: [list, get, calls, create, remove, rotateKey, limits, namespaceKeyGroup],
};
