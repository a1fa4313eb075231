/** `ward trigger`: the records. Flags are wsk's own. */
import type { CommandSpec, GroupSpec, OptionSpec } from '../command-spec.ts';
import {
  annotationOptions,
  fieldArgument,
  listOptions,
  namespaceArgument,
  parameterOptions,
  secretsOption,
  summaryOption,
} from './common-options.ts';

const nameArgument = { name: '<name>', summary: 'NAME or /NAMESPACE/NAME', names: 'trigger' } as const;

const splitOptions: readonly OptionSpec[] = [
  { flags: '-F, --feed-param <KEY VALUE>', summary: 'a parameter for the feed only', takes: 'pair' },
  { flags: '-T, --trigger-param <KEY VALUE>', summary: 'a parameter for the trigger only', takes: 'pair' },
];

const create: CommandSpec = {
  name: 'create',
  summary: 'create a trigger, and set up the feed that fires it',
  works: 'remote',
  args: [nameArgument],
  options: [
    ...parameterOptions,
    ...annotationOptions,
    { flags: '-f, --feed <ACTION>', summary: 'the feed action; it gets the parameters and the key' },
    ...splitOptions,
  ],
  examples: [
    { command: 'ward trigger create arrived', does: 'a user or a program fires it' },
    {
      command: 'ward trigger create nightly --feed /whisk.system/alarms/alarm -p cron "0 3 * * *"',
      does: 'a clock fires it; ward removes it again if the feed refuses',
    },
  ],
  handler: async () => (await import('../handlers/trigger-write.ts')).create,
};

const update: CommandSpec = {
  name: 'update',
  summary: 'change a trigger or its feed, or create it if it is new',
  works: 'remote',
  args: [nameArgument],
  options: [...parameterOptions, ...annotationOptions, ...splitOptions],
  examples: [
    { command: 'ward trigger update nightly -F cron "0 4 * * *"', does: 'changes only the feed' },
    { command: 'ward trigger update arrived -p source door', does: 'sets a parameter for each firing' },
  ],
  handler: async () => (await import('../handlers/trigger-write.ts')).update,
};

const get: CommandSpec = {
  name: 'get',
  summary: 'show a trigger, its rules, and what its feed says',
  works: 'remote',
  args: [nameArgument, fieldArgument],
  options: [summaryOption, secretsOption],
  examples: [
    { command: 'ward trigger get arrived', does: 'shows its rules and their status' },
    { command: 'ward trigger get nightly rules', does: 'shows one field, without asking the feed' },
  ],
  handler: async () => (await import('../handlers/trigger-read.ts')).get,
};

const list: CommandSpec = {
  name: 'list',
  summary: 'list triggers',
  works: 'remote',
  args: [namespaceArgument],
  options: listOptions,
  examples: [{ command: 'ward trigger list -n', does: 'sorted by name' }],
  handler: async () => (await import('../handlers/trigger-read.ts')).list,
};

const remove: CommandSpec = {
  name: 'delete',
  summary: 'delete a trigger, and remove its feed',
  works: 'remote',
  args: [nameArgument],
  options: [],
  examples: [{ command: 'ward trigger delete nightly', does: 'its rules stay, but are inactive' }],
  handler: async () => (await import('../handlers/trigger-write.ts')).remove,
};

const fire: CommandSpec = {
  name: 'fire',
  summary: 'fire a trigger and print the activation id',
  works: 'remote',
  args: [nameArgument],
  options: parameterOptions,
  examples: [
    { command: 'ward trigger fire arrived -p name Ada', does: 'starts the actions of its active rules' },
    { command: 'ward trigger fire arrived -P event.json', does: 'reads parameters from a file' },
  ],
  handler: async () => (await import('../handlers/trigger-fire.ts')).fire,
};

export const triggerGroup: GroupSpec = {
  name: 'trigger',
  summary: 'triggers: events that start actions, and their feeds',
  commands: [create, update, get, list, remove, fire],
};
