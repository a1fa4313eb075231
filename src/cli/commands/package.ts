/** `ward package`: the records. Flags are wsk's own; `--recursive` is from Adobe's client. */
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

const nameArgument = { name: '<name>', summary: 'NAME or /NAMESPACE/NAME', names: 'package' } as const;

const writeOptions: readonly OptionSpec[] = [
  ...parameterOptions,
  ...annotationOptions,
  { flags: '--shared <YES|NO>', summary: 'whether other namespaces can use the package' },
];

const create: CommandSpec = {
  name: 'create',
  summary: 'create a package',
  works: 'remote',
  args: [nameArgument],
  options: writeOptions,
  examples: [
    { command: 'ward package create tools', does: 'for actions named tools/…' },
    {
      command: 'ward package create tools -p region eu --shared yes',
      does: 'sets a parameter for all actions in the package',
    },
  ],
  handler: async () => (await import('../handlers/package.ts')).create,
};

const update: CommandSpec = {
  name: 'update',
  summary: 'change a package, or create it if it is new',
  works: 'remote',
  args: [nameArgument],
  options: writeOptions,
  examples: [{ command: 'ward package update tools --shared no', does: 'the actions stay as they are' }],
  handler: async () => (await import('../handlers/package.ts')).update,
};

const bind: CommandSpec = {
  name: 'bind',
  summary: 'bind a package of another namespace to a name and parameters of your own',
  works: 'remote',
  args: [
    { name: '<package>', summary: '/NAMESPACE/NAME of the package', names: 'package' },
    { name: '<name>', summary: 'name of the binding' },
  ],
  options: [...parameterOptions, ...annotationOptions],
  examples: [
    { command: 'ward package bind /whisk.system/utils utils', does: 'the actions are utils/… from now on' },
  ],
  handler: async () => (await import('../handlers/package.ts')).bind,
};

const get: CommandSpec = {
  name: 'get',
  summary: 'show a package and what is in it',
  works: 'remote',
  args: [nameArgument, fieldArgument],
  options: [summaryOption, secretsOption],
  examples: [
    { command: 'ward package get tools', does: 'shows the package' },
    {
      command: 'ward package get /whisk.system/alarms --summary',
      does: 'describes its actions and their parameters',
    },
  ],
  handler: async () => (await import('../handlers/package.ts')).get,
};

const list: CommandSpec = {
  name: 'list',
  summary: 'list packages; for another namespace, its shared packages',
  works: 'remote',
  args: [namespaceArgument],
  options: listOptions,
  examples: [
    { command: 'ward package list', does: 'the newest 30' },
    { command: 'ward package list /whisk.system', does: 'the packages that come with Ward' },
  ],
  handler: async () => (await import('../handlers/package.ts')).list,
};

const remove: CommandSpec = {
  name: 'delete',
  summary: 'delete an empty package',
  works: 'remote',
  args: [nameArgument],
  options: [{ flags: '-r, --recursive', summary: 'delete all actions in the package, too' }],
  examples: [
    { command: 'ward package delete tools', does: 'refused if the package is not empty' },
    { command: 'ward package delete tools --recursive', does: 'deletes the actions, too' },
  ],
  handler: async () => (await import('../handlers/package.ts')).remove,
};

export const packageGroup: GroupSpec = {
  name: 'package',
  summary: 'packages: groups of actions with shared parameters',
  commands: [create, update, bind, get, list, remove],
};
