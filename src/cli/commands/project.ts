/** `ward project`: the manifest of wskdeploy. Flags are wsk's own; `--managed` and `--dry-run` are wskdeploy's and Ward's. */
import type { CommandSpec, GroupSpec, OptionSpec } from '../command-spec.ts';
import { parameterOptions } from './common-options.ts';

const manifestArgument = {
  name: '[manifest]',
  summary: 'the manifest (manifest.yaml in the project’s folder)',
};

const fileOptions: readonly OptionSpec[] = [
  { flags: '--manifest <FILE>', summary: 'the same as the argument' },
  { flags: '--project <DIR>', summary: 'the folder that contains manifest.yaml (this one)' },
];

const planOptions: readonly OptionSpec[] = [
  { flags: '--dry-run', summary: 'show what would change, and do nothing' },
  { flags: '--preview', summary: 'the same as --dry-run' },
];

const deployOptions: readonly OptionSpec[] = [
  ...fileOptions,
  {
    flags: '--deployment <FILE>',
    summary: 'values for the manifest (deployment.yaml next to the manifest, if it exists)',
  },
  ...parameterOptions,
  { flags: '--projectname <NAME>', summary: 'name of a managed project (project.name of the manifest)' },
  ...planOptions,
];

const deploy: CommandSpec = {
  name: 'deploy',
  summary: 'create and change what a manifest describes, and nothing else',
  works: 'remote',
  args: [manifestArgument],
  options: [
    ...deployOptions,
    { flags: '--managed', summary: 'also delete what an earlier manifest of this project had' },
  ],
  examples: [
    { command: 'ward project deploy', does: 'deploys manifest.yaml in this folder' },
    { command: 'ward project deploy shop.yaml --dry-run', does: 'shows what would change, field by field' },
    {
      command: 'ward project deploy shop.yaml --deployment live.yaml -p TOKEN "$TOKEN"',
      does: 'deploys with values for one environment',
    },
  ],
  handler: async () => (await import('../handlers/project.ts')).deploy,
};

const sync: CommandSpec = {
  name: 'sync',
  summary: 'the same as deploy --managed; wsk has this command',
  works: 'remote',
  args: [manifestArgument],
  options: deployOptions,
  examples: [{ command: 'ward project sync shop.yaml', does: 'deletes what is no longer in the manifest' }],
  handler: async () => (await import('../handlers/project.ts')).sync,
};

const undeploy: CommandSpec = {
  name: 'undeploy',
  summary: 'delete what a manifest describes, or a managed project with everything marked as part of it',
  works: 'remote',
  args: [manifestArgument],
  options: [
    ...fileOptions,
    ...parameterOptions,
    { flags: '--projectname <NAME>', summary: 'the managed project to delete, without a manifest' },
    ...planOptions,
  ],
  examples: [
    { command: 'ward project undeploy shop.yaml', does: 'keeps a package that contains something else' },
    { command: 'ward project undeploy --projectname shop --dry-run', does: 'shows what would be deleted' },
  ],
  handler: async () => (await import('../handlers/project.ts')).undeploy,
};

export const projectGroup: GroupSpec = {
  name: 'project',
  summary: 'deploy what a manifest describes',
  commands: [deploy, sync, undeploy],
};
