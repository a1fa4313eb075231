/** `ward prove`: the attack suite. */
import type { CommandSpec } from '../command-spec.ts';

export const proveCommand: CommandSpec = {
  name: 'prove',
  summary: 'run the attack suite in real sandboxes on this host, under the policy in force',
  works: 'local',
  // 1 says that something escaped; whatever else keeps the suite from an answer is 2.
  errorExitCode: 2,
  args: [],
  options: [
    {
      flags: '--only <PATTERN>',
      summary: 'techniques of this name; * stands for any characters',
      takes: 'many',
    },
    {
      flags: '--vector <NAME>',
      summary: 'techniques of one vector',
      choices: ['escape', 'neighbours', 'outside', 'application'],
    },
    { flags: '--runtime <NAME>', summary: 'the OCI runtime', choices: ['crun', 'runc', 'runsc'] },
    {
      flags: '--compare <WITH>',
      summary: 'the same programs under other settings, beside it',
      choices: ['docker-default'],
    },
    {
      flags: '--weakened',
      summary: 'where the control of each technique is taken away: it must get through',
    },
    { flags: '--list', summary: 'say what would be tried, and try nothing' },
  ],
  examples: [
    { command: 'ward prove', does: 'exit code 1 if anything escaped, 2 if something could not be tried' },
    { command: 'ward prove --compare docker-default', does: 'with what Docker answers by default' },
    {
      command: 'ward prove --weakened',
      does: 'whether the suite can fail: exit code 1 if a technique does not',
    },
    { command: 'ward prove --only "mount-*" -o json', does: 'some of it, for a program' },
  ],
  handler: async () => (await import('../handlers/prove.ts')).prove,
};
