/** `ward policy`: what the gate lets pass; files are checked and tried out before they are put in force. */
import type { CommandSpec, GroupSpec, OptionSpec } from '../command-spec.ts';

const policyOption: OptionSpec = {
  flags: '--policy <FILE>',
  summary: 'a policy; without it, the one in force on this machine',
};

const show: CommandSpec = {
  name: 'show',
  summary: 'show the rules that hold for a namespace at a stage',
  works: 'local',
  args: [],
  options: [
    policyOption,
    { flags: '--namespace <NAME>', summary: 'the namespace (guest)' },
    { flags: '--stage <STAGE>', summary: 'the stage (push)', choices: ['push', 'deploy', 'run'] },
  ],
  examples: [
    { command: 'ward policy show', does: 'what holds for a push' },
    {
      command: 'ward policy show --policy policy.yaml --stage run -o json',
      does: 'of a file, for a program',
    },
  ],
  handler: async () => (await import('../handlers/policy.ts')).show,
};

const check: CommandSpec = {
  name: 'check',
  summary: 'say whether a file is a policy, and everything that is wrong with it: a line for each fault',
  works: 'alone',
  args: [{ name: '<file>', summary: 'the policy; - is standard input' }],
  options: [],
  examples: [
    { command: 'ward policy check policy.yaml', does: 'before it is put in force; exit code 2 for a fault' },
    { command: 'ward policy check policy.yaml -o json', does: 'the faults for a program' },
  ],
  handler: async () => (await import('../handlers/policy.ts')).check,
};

const test: CommandSpec = {
  name: 'test',
  summary: 'judge stored reports by a policy, and show what would change',
  works: 'local',
  args: [
    {
      name: '[report...]',
      summary: 'reports of `ward image scan -o json`; without them, all that this Ward has stored',
    },
  ],
  options: [
    { flags: '--policy <FILE>', summary: 'the policy to try; without it, the one in force' },
    { flags: '--against <FILE>', summary: 'the policy to compare it with; without it, the one in force' },
  ],
  examples: [
    { command: 'ward policy test --policy new.yaml', does: 'what it would change here' },
    {
      command: 'ward policy test --policy new.yaml --against old.yaml report.json',
      does: 'without a server',
    },
  ],
  handler: async () => (await import('../handlers/policy.ts')).test,
};

export const policyGroup: GroupSpec = {
  name: 'policy',
  summary: 'what the gate lets pass',
  commands: [show, check, test],
};
