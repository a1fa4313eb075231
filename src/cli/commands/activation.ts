/** `ward activation`: the records. Flags are wsk's own. */
import type { CommandSpec, GroupSpec, OptionSpec } from '../command-spec.ts';
import { fieldArgument, pageOptions } from './common-options.ts';

const idArgument = { name: '[id]', summary: 'the activation id; not with --last' };
const scopeArgument = {
  name: '[scope]',
  summary: 'only activations of this action or trigger (NAME, PACKAGE/NAME), or of /NAMESPACE[/NAME]',
  names: 'action',
} as const;
const lastOption: OptionSpec = { flags: '-l, --last', summary: 'the newest activation' };

const list: CommandSpec = {
  name: 'list',
  summary: 'list activations, newest first',
  works: 'remote',
  args: [scopeArgument],
  options: [
    ...pageOptions,
    { flags: '-f, --full', summary: 'show whole records' },
    {
      flags: '--since <MS>',
      summary: 'only those that started at this time or later, in milliseconds since 1970',
    },
    { flags: '--upto <MS>', summary: 'only those that started at this time or earlier' },
  ],
  examples: [
    { command: 'ward activation list', does: 'the newest 30' },
    { command: 'ward activation list hello -l 5 -o json', does: 'the newest 5 of one action, as JSON' },
  ],
  handler: async () => (await import('../handlers/activation.ts')).list,
};

const get: CommandSpec = {
  name: 'get',
  summary: 'show the record of an activation',
  works: 'remote',
  args: [idArgument, fieldArgument],
  options: [
    lastOption,
    { flags: '-s, --summary', summary: 'show what ran, how it ended, and its result' },
    { flags: '-g, --logs', summary: 'show only the log, without time and stream' },
  ],
  examples: [
    { command: 'ward activation get --last', does: 'the newest activation, and where its time went' },
    { command: 'ward activation get --last annotations', does: 'only one field' },
    {
      command: 'ward activation get 44794bd6aab74415b4e42a308d880e5b -o json',
      does: 'as JSON, for a program',
    },
  ],
  handler: async () => (await import('../handlers/activation.ts')).get,
};

const result: CommandSpec = {
  name: 'result',
  summary: 'show the result of an activation',
  works: 'remote',
  args: [idArgument],
  options: [lastOption],
  examples: [{ command: 'ward activation result --last', does: 'of the newest activation' }],
  handler: async () => (await import('../handlers/activation.ts')).result,
};

const logs: CommandSpec = {
  name: 'logs',
  summary: 'show the log of an activation',
  works: 'remote',
  args: [idArgument],
  options: [
    lastOption,
    { flags: '-r, --strip', summary: 'leave out time and stream' },
    { flags: '--follow', summary: 'follow the log until the activation ends' },
  ],
  examples: [
    { command: 'ward activation logs --last', does: 'of the newest activation' },
    { command: 'ward activation logs --last --strip', does: 'only the text' },
    {
      command: 'ward activation logs --follow 44794bd6aab74415b4e42a308d880e5b',
      does: 'follows the log of a running activation',
    },
  ],
  handler: async () => (await import('../handlers/activation.ts')).logs,
};

const poll: CommandSpec = {
  name: 'poll',
  summary: 'show activations and their logs as they happen, until you interrupt the command',
  works: 'remote',
  args: [scopeArgument],
  options: [
    { flags: '-e, --exit <SECONDS>', summary: 'end after this time' },
    { flags: '--since-seconds <N>', summary: 'start N seconds ago' },
    { flags: '--since-minutes <N>', summary: 'start N minutes ago' },
    { flags: '--since-hours <N>', summary: 'start N hours ago' },
    { flags: '--since-days <N>', summary: 'start N days ago' },
  ],
  examples: [
    { command: 'ward activation poll', does: 'all activations' },
    {
      command: 'ward activation poll hello --since-minutes 5',
      does: 'one action, starting five minutes ago',
    },
  ],
  handler: async () => (await import('../handlers/activation-poll.ts')).poll,
};

const cancel: CommandSpec = {
  name: 'cancel',
  summary: 'end calls that run or wait; their records say that they were cancelled',
  works: 'remote',
  args: [{ name: '[id...]', summary: 'ids of activations; or choose them by options' }],
  options: [
    { flags: '--action <NAME>', summary: 'all calls of this action' },
    {
      flags: '--since <TIME>',
      summary: 'only those accepted since this time: 30m, 12h, or 2026-01-31T12:00Z',
    },
    { flags: '--until <TIME>', summary: 'only those accepted at this time or before' },
    { flags: '--all', summary: 'all calls of the namespace' },
    { flags: '--dry-run', summary: 'show what would be cancelled, and do nothing' },
  ],
  examples: [
    { command: 'ward activation cancel 44794bd6aab74415b4e42a308d880e5b', does: 'one, with its parts' },
    { command: 'ward activation cancel --action hello --dry-run', does: 'shows what would be cancelled' },
    { command: 'ward activation cancel --action hello --until 10m', does: 'those that take too long' },
  ],
  handler: async () => (await import('../handlers/activation-cancel.ts')).cancel,
};

export const logsCommand: CommandSpec = {
  name: 'logs',
  summary: 'search the logs of recorded activations, oldest line first, or follow one',
  works: 'remote',
  args: [scopeArgument],
  options: [
    { flags: '-g, --grep <TEXT>', summary: 'only lines with this text' },
    { flags: '--since <TIME>', summary: 'only since this time: 30m, 12h, 7d, or 2026-01-31T12:00Z' },
    { flags: '--until <TIME>', summary: 'only of activations that started at this time or before' },
    { flags: '-l, --limit <N>', summary: 'end after N lines, newest activations first (100)' },
    { flags: '-r, --strip', summary: 'only the text' },
    { flags: '-f, --follow', summary: 'follow the log of one activation, named by its id, until it ends' },
  ],
  examples: [
    { command: 'ward logs --since 1h --grep "connection refused"', does: 'lines of the last hour' },
    { command: 'ward logs hello --limit 1000', does: 'about the last thousand lines of one action' },
    {
      command: 'ward logs -f 44794bd6aab74415b4e42a308d880e5b',
      does: 'follows a running activation, on any node',
    },
  ],
  handler: async () => (await import('../handlers/log-search.ts')).searchLogs,
};

export const activationGroup: GroupSpec = {
  name: 'activation',
  summary: 'records, results and logs of what ran, and the end of what runs',
  commands: [list, get, result, logs, poll, cancel],
};
