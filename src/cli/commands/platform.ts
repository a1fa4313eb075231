/** Commands without a group: the server, its state, the check of the host, all entities, shell completion. */
import { type CommandSpec, namedThings } from '../command-spec.ts';
import { namespaceArgument } from './common-options.ts';

export const upCommand: CommandSpec = {
  name: 'up',
  summary: 'run the platform on this machine until you interrupt the command',
  works: 'local',
  args: [],
  options: [
    { flags: '--listen <HOST:PORT>', summary: 'address to listen on (127.0.0.1:3233)' },
    { flags: '--access-log', summary: 'log every request' },
    { flags: '--no-console', summary: 'do not serve the console' },
    {
      flags: '--role <ROLE>',
      summary: 'api: only serve the API of a cluster, as an ordinary user; invoker: only run actions (all)',
      choices: ['all', 'api', 'invoker'],
    },
    {
      flags: '--join <URL>',
      summary: 'address of an API node of the cluster to join, or WARD_JOIN; repeatable',
      takes: 'many',
    },
    {
      flags: '--token <TOKEN>',
      summary: 'permission to join, from ward node token, or WARD_JOIN_TOKEN; needed once',
    },
    {
      flags: '--token-file <FILE>',
      summary: 'file with the token, which only you can read; empty for a node that has joined',
    },
    {
      flags: '--accept-missing <PART>',
      summary:
        'start although the data folder was in use and lacks this part, and create a new one; repeatable',
      takes: 'many',
      choices: ['database', 'gate', 'registry', 'keys'],
    },
    {
      flags: '--take-over',
      summary:
        'take the socket over from the Ward that serves this data folder; that Ward stops, and no connection is refused',
    },
    {
      flags: '--accept-mixed',
      summary: 'from now on, accept databases that come from different data folders',
    },
  ],
  examples: [
    { command: 'ward up', does: 'listens on 127.0.0.1:3233, with data in /var/lib/ward' },
    {
      command: 'ward up --listen 127.0.0.1:8080 --data /srv/ward',
      does: 'with another address and data folder',
    },
    { command: 'ward up --role api --data /srv/ward-api', does: 'only the API; actions run on other nodes' },
    {
      command: 'WARD_JOIN_TOKEN=TOKEN ward up --role invoker --join https://ward.example.com',
      does: 'only runs actions, for the API nodes of that cluster',
    },
    {
      command: 'ward up --role invoker --join https://ward.example.com --token-file /etc/ward/join-token',
      does: 'the same, and no environment and no list of processes shows the token',
    },
  ],
  handler: async () => (await import('../handlers/platform.ts')).up,
};

export const doctorCommand: CommandSpec = {
  name: 'doctor',
  summary: 'prove each protection on this host with a probe in a real sandbox',
  works: 'local',
  args: [],
  options: [
    { flags: '--runtime <NAME>', summary: 'the OCI runtime to prove', choices: ['crun', 'runc', 'runsc'] },
    { flags: '--blobs <URL>', summary: 'try instead whether a store is fit for the setting blobs' },
  ],
  examples: [
    { command: 'ward doctor', does: 'exits with 1 if something that the policy requires is missing' },
    { command: 'ward doctor -o json', does: 'as JSON, for a program' },
    {
      command: "ward doctor --blobs 's3://ward-blobs?endpoint=https://s3.example:9000'",
      does: 'exits with 1 if the store lacks something that Ward needs',
    },
  ],
  handler: async () => (await import('../handlers/platform.ts')).doctor,
};

export const statusCommand: CommandSpec = {
  name: 'status',
  summary: 'show whether the server accepts calls, and if not, why; to its operator also nodes and queue',
  works: 'remote',
  args: [],
  options: [
    { flags: '--config <FILE>', summary: 'configuration of the server on this machine (WARD_CONFIG)' },
  ],
  examples: [
    { command: 'ward status', does: 'exits with 7 while the server accepts no calls' },
    { command: 'ward status -o json', does: 'as JSON, for a program' },
  ],
  handler: async () => (await import('../handlers/status.ts')).status,
};

export const listCommand: CommandSpec = {
  name: 'list',
  summary: 'list everything in a namespace: packages, actions, triggers, rules',
  works: 'remote',
  args: [namespaceArgument],
  options: [{ flags: '-n, --name-sort', summary: 'sort by name instead of newest first' }],
  examples: [{ command: 'ward list', does: 'the namespace of the key' }],
  handler: async () => (await import('../handlers/everything.ts')).list,
};

export const completionCommand: CommandSpec = {
  name: 'completion',
  summary: 'print the completion script for a shell',
  works: 'alone',
  args: [{ name: '[shell]', summary: 'bash, zsh or fish' }],
  options: [
    {
      flags: '--names <WHAT>',
      summary: 'print the names that completion offers, from the server, instead of a script',
      choices: namedThings,
    },
  ],
  examples: [
    { command: 'source <(ward completion bash)', does: 'in ~/.bashrc' },
    { command: 'ward completion fish > ~/.config/fish/completions/ward.fish', does: 'for fish' },
  ],
  handler: async () => (await import('../handlers/completion.ts')).completion,
};
