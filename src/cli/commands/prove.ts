/** `ward prove`: the attack suite. */
import type { CommandSpec } from '../command-spec.ts';

export const proveCommand: CommandSpec = {
  name: 'prove',
  summary: 'run the attack suite in real sandboxes on this host, under the current policy',
  works: 'local',
  // 1 means that something escaped, so every error that keeps the suite from a result is 2.
  errorExitCode: 2,
  args: [],
  options: [
    {
      flags: '--only <PATTERN>',
      summary: 'only techniques with this name (* matches any characters)',
      takes: 'many',
    },
    {
      flags: '--vector <NAME>',
      summary: 'only techniques of one vector',
      choices: ['escape', 'neighbours', 'outside', 'application', 'cluster'],
    },
    { flags: '--runtime <NAME>', summary: 'the OCI runtime', choices: ['crun', 'runc', 'runsc'] },
    {
      flags: '--compare <WITH>',
      summary: 'also run the programs under other settings, and show both',
      choices: ['docker-default'],
    },
    {
      flags: '--weakened',
      summary: 'run each technique without the control that stops it: the technique must get through',
    },
    {
      flags: '--join <URL>',
      summary: 'on an invoker: the address of an API node, for techniques that attack it',
    },
    { flags: '--list', summary: 'list the techniques without trying them' },
  ],
  examples: [
    { command: 'ward prove', does: 'exits with 1 if anything escaped, 2 if something could not be tried' },
    { command: 'ward prove --compare docker-default', does: 'compares with Docker’s default settings' },
    {
      command: 'ward prove --weakened',
      does: 'checks that the suite can fail: exits with 1 if a technique does not get through',
    },
    {
      command: 'ward prove --vector cluster --join https://ward.example.com',
      does: 'on an invoker: what it could do to other nodes if it was taken over',
    },
    { command: 'ward prove --only "mount-*" -o json', does: 'some techniques, as JSON' },
  ],
  handler: async () => (await import('../handlers/prove.ts')).prove,
};
