/** `ward policy`: the rules of the gate; files are checked and tried out before they become the current policy. */
import type { CommandSpec, GroupSpec, OptionSpec } from '../command-spec.ts';

const policyOption: OptionSpec = {
  flags: '--policy <FILE>',
  summary: 'the policy; without it, the current one on this machine',
};

const show: CommandSpec = {
  name: 'show',
  summary: 'show the rules that apply to a namespace at a stage',
  works: 'local',
  dataFolder: 'reads',
  args: [],
  options: [
    policyOption,
    { flags: '--namespace <NAME>', summary: 'the namespace (guest)' },
    { flags: '--stage <STAGE>', summary: 'the stage (push)', choices: ['push', 'deploy', 'run'] },
    { flags: '--text', summary: 'the text that operators have put in force, instead of the rules' },
  ],
  examples: [
    { command: 'ward policy show', does: 'the rules for a push' },
    {
      command: 'ward policy show --policy policy.yaml --stage run -o json',
      does: 'the rules of a file, as JSON',
    },
    { command: 'ward policy show --text', does: 'to change it, and put it in force again' },
  ],
  handler: async () => (await import('../handlers/policy.ts')).show,
};

const check: CommandSpec = {
  name: 'check',
  summary: 'check whether a file is a valid policy, and print a line for each fault',
  works: 'alone',
  args: [{ name: '<file>', summary: 'the policy (- for standard input)' }],
  options: [],
  examples: [
    {
      command: 'ward policy check policy.yaml',
      does: 'before you use the policy; exits with 2 if it has a fault',
    },
    { command: 'ward policy check policy.yaml -o json', does: 'the faults, as JSON' },
  ],
  handler: async () => (await import('../handlers/policy.ts')).check,
};

const test: CommandSpec = {
  name: 'test',
  summary: 'judge stored reports with a policy, and show what would change',
  works: 'local',
  dataFolder: 'reads',
  args: [
    {
      name: '[report...]',
      summary: 'reports of `ward image scan -o json`; without them, all that this Ward has stored',
    },
  ],
  options: [
    { flags: '--policy <FILE>', summary: 'the policy to try; without it, the current one' },
    { flags: '--against <FILE>', summary: 'the policy to compare with; without it, the current one' },
    { flags: '--exit-code', summary: 'exit with 3 if something would be denied that is not now' },
  ],
  examples: [
    { command: 'ward policy test --policy new.yaml', does: 'what the policy would change here' },
    {
      command: 'ward policy test --policy new.yaml --exit-code -o json',
      does: 'the same for programs; exits with 3 if something would be denied that is not now',
    },
    {
      command: 'ward policy test --policy new.yaml --against old.yaml report.json',
      does: 'without a server',
    },
  ],
  handler: async () => (await import('../handlers/policy.ts')).test,
};

const set: CommandSpec = {
  name: 'set',
  summary: 'put a policy in force: on this machine, or on all nodes of a cluster (operator)',
  works: 'local',
  dataFolder: 'changes',
  args: [{ name: '[file]', summary: 'the policy (- for standard input)' }],
  options: [{ flags: '--none', summary: 'there are to be no rules but Ward’s own any more' }],
  examples: [
    {
      command: 'ward policy set policy.yaml',
      does: 'a running server judges by it within seconds; the audit log has who did it',
    },
    { command: 'ward policy set --none', does: 'goes back to the rules of Ward’s own policy' },
  ],
  handler: async () => (await import('../handlers/policy.ts')).set,
};

export const policyGroup: GroupSpec = {
  name: 'policy',
  summary: 'the rules of the gate',
  commands: [show, check, test, set],
};
