/** Commands that are no group: the server, its state, the check of the host, all entities, shell completion. */
import { type CommandSpec, namedThings } from '../command-spec.ts';
import { namespaceArgument } from './common-options.ts';

export const upCommand: CommandSpec = {
  name: 'up',
  summary: 'run the platform on this machine until it is interrupted',
  works: 'local',
  args: [],
  options: [
    { flags: '--listen <HOST:PORT>', summary: 'where to listen (127.0.0.1:3233)' },
    { flags: '--access-log', summary: 'tell every request in the log' },
    {
      flags: '--accept-missing <PART>',
      summary: 'begin anew with a part that a data folder in use lacks; repeatable',
      takes: 'many',
      choices: ['database', 'gate', 'registry', 'keys'],
    },
    {
      flags: '--take-over',
      summary: 'from the Ward that serves this data folder: it stops, and no connection is refused meanwhile',
    },
    { flags: '--accept-mixed', summary: 'serve databases of different data folders together from now on' },
  ],
  examples: [
    { command: 'ward up', does: 'on 127.0.0.1:3233, state in /var/lib/ward' },
    { command: 'ward up --listen 127.0.0.1:8080 --data /srv/ward', does: 'elsewhere' },
  ],
  handler: async () => (await import('../handlers/platform.ts')).up,
};

export const doctorCommand: CommandSpec = {
  name: 'doctor',
  summary: 'prove each protection on this host by a probe in a real sandbox',
  works: 'local',
  args: [],
  options: [
    { flags: '--runtime <NAME>', summary: 'the OCI runtime to prove', choices: ['crun', 'runc', 'runsc'] },
  ],
  examples: [
    { command: 'ward doctor', does: 'exit code 1 if something that the policy requires is missing' },
    { command: 'ward doctor -o json', does: 'for a program' },
  ],
  handler: async () => (await import('../handlers/platform.ts')).doctor,
};

export const statusCommand: CommandSpec = {
  name: 'status',
  summary: 'tell whether the server takes calls, and what keeps it from it',
  works: 'remote',
  args: [],
  options: [],
  examples: [
    { command: 'ward status', does: 'exit code 7 while it takes no calls' },
    { command: 'ward status -o json', does: 'for a program' },
  ],
  handler: async () => (await import('../handlers/status.ts')).status,
};

export const listCommand: CommandSpec = {
  name: 'list',
  summary: 'list all that a namespace has: packages, actions, triggers, rules',
  works: 'remote',
  args: [namespaceArgument],
  options: [{ flags: '-n, --name-sort', summary: 'by name instead of newest first' }],
  examples: [{ command: 'ward list', does: 'of the namespace of the key' }],
  handler: async () => (await import('../handlers/everything.ts')).list,
};

export const completionCommand: CommandSpec = {
  name: 'completion',
  summary: 'print the completion script of a shell',
  works: 'alone',
  args: [{ name: '[shell]', summary: 'bash, zsh or fish' }],
  options: [
    {
      flags: '--names <WHAT>',
      summary: 'instead of a script, the names that it offers, as the server has them',
      choices: namedThings,
    },
  ],
  examples: [
    { command: 'source <(ward completion bash)', does: 'in ~/.bashrc' },
    { command: 'ward completion fish > ~/.config/fish/completions/ward.fish', does: 'for fish' },
  ],
  handler: async () => (await import('../handlers/completion.ts')).completion,
};
