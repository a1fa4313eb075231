/** `ward project`: the manifest of wskdeploy. Flags are wsk's own; `--managed` and `--dry-run` are wskdeploy's and Ward's. */
import type { CommandSpec, GroupSpec, OptionSpec } from '../command-spec.ts';
import { parameterOptions } from './common-options.ts';

const manifestArgument = {
  name: '[manifest]',
  summary: 'the manifest (manifest.yaml in the project’s folder)',
};

const fileOptions: readonly OptionSpec[] = [
  { flags: '--manifest <FILE>', summary: 'the same as the argument' },
  { flags: '--project <DIR>', summary: 'the folder to look for manifest.yaml in (this one)' },
];

const planOptions: readonly OptionSpec[] = [
  { flags: '--dry-run', summary: 'only show what would change' },
  { flags: '--preview', summary: 'the same as --dry-run' },
];

const deployOptions: readonly OptionSpec[] = [
  ...fileOptions,
  {
    flags: '--deployment <FILE>',
    summary: 'values for it (deployment.yaml beside the manifest, if it is there)',
  },
  ...parameterOptions,
  { flags: '--projectname <NAME>', summary: 'name of a managed project (project.name of the manifest)' },
  ...planOptions,
];

const deploy: CommandSpec = {
  name: 'deploy',
  summary: 'create and change what a manifest says, and nothing else',
  works: 'remote',
  args: [manifestArgument],
  options: [
    ...deployOptions,
    { flags: '--managed', summary: 'and delete what an earlier manifest of this project had' },
  ],
  examples: [
    { command: 'ward project deploy', does: 'manifest.yaml of this folder' },
    { command: 'ward project deploy shop.yaml --dry-run', does: 'what would change, field by field' },
    {
      command: 'ward project deploy shop.yaml --deployment live.yaml -p TOKEN "$TOKEN"',
      does: 'with values for one place',
    },
  ],
  handler: async () => (await import('../handlers/project.ts')).deploy,
};

const sync: CommandSpec = {
  name: 'sync',
  summary: 'the same as deploy --managed, as wsk has it',
  works: 'remote',
  args: [manifestArgument],
  options: deployOptions,
  examples: [{ command: 'ward project sync shop.yaml', does: 'what is no longer in it is deleted' }],
  handler: async () => (await import('../handlers/project.ts')).sync,
};

const undeploy: CommandSpec = {
  name: 'undeploy',
  summary: 'delete what a manifest has, or a managed project with all that is marked as its own',
  works: 'remote',
  args: [manifestArgument],
  options: [
    ...fileOptions,
    ...parameterOptions,
    { flags: '--projectname <NAME>', summary: 'the managed project to delete; no manifest is needed' },
    ...planOptions,
  ],
  examples: [
    { command: 'ward project undeploy shop.yaml', does: 'a package that holds more is kept' },
    { command: 'ward project undeploy --projectname shop --dry-run', does: 'what would go' },
  ],
  handler: async () => (await import('../handlers/project.ts')).undeploy,
};

export const projectGroup: GroupSpec = {
  name: 'project',
  summary: 'deploy what a manifest says',
  commands: [deploy, sync, undeploy],
};
