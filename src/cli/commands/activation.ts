/** `ward activation`: the records. Flags are wsk's own. */
import type { CommandSpec, GroupSpec, OptionSpec } from '../command-spec.ts';
import { fieldArgument, pageOptions } from './common-options.ts';

const idArgument = { name: '[id]', summary: 'the activation id; left out with --last' };
const scopeArgument = {
  name: '[scope]',
  summary: 'only of an action or trigger: NAME, PACKAGE/NAME; or /NAMESPACE[/NAME]',
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
    { flags: '-f, --full', summary: 'whole records' },
    { flags: '--since <MS>', summary: 'started at this time or later, in milliseconds since 1970' },
    { flags: '--upto <MS>', summary: 'started at this time or earlier' },
  ],
  examples: [
    { command: 'ward activation list', does: 'the newest 30' },
    { command: 'ward activation list hello -l 5 -o json', does: 'the newest 5 of one action, for a program' },
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
    { flags: '-s, --summary', summary: 'what ran, how it ended, and its result' },
    { flags: '-g, --logs', summary: 'only its log, without time and stream' },
  ],
  examples: [
    { command: 'ward activation get --last', does: 'the newest one, with where its time went' },
    { command: 'ward activation get --last annotations', does: 'one field' },
    { command: 'ward activation get 44794bd6aab74415b4e42a308d880e5b -o json', does: 'for a program' },
  ],
  handler: async () => (await import('../handlers/activation.ts')).get,
};

const result: CommandSpec = {
  name: 'result',
  summary: 'show what an activation returned',
  works: 'remote',
  args: [idArgument],
  options: [lastOption],
  examples: [{ command: 'ward activation result --last', does: 'of the newest one' }],
  handler: async () => (await import('../handlers/activation.ts')).result,
};

const logs: CommandSpec = {
  name: 'logs',
  summary: 'show what an activation wrote',
  works: 'remote',
  args: [idArgument],
  options: [
    lastOption,
    { flags: '-r, --strip', summary: 'without time and stream' },
    { flags: '--follow', summary: 'of one that still runs: up to its end' },
  ],
  examples: [
    { command: 'ward activation logs --last', does: 'of the newest one' },
    { command: 'ward activation logs --last --strip', does: 'the text alone' },
    { command: 'ward activation logs --follow 44794bd6aab74415b4e42a308d880e5b', does: 'as it comes' },
  ],
  handler: async () => (await import('../handlers/activation.ts')).logs,
};

const poll: CommandSpec = {
  name: 'poll',
  summary: 'show activations and their logs as they happen, until interrupted',
  works: 'remote',
  args: [scopeArgument],
  options: [
    { flags: '-e, --exit <SECONDS>', summary: 'end by itself after this time' },
    { flags: '--since-seconds <N>', summary: 'begin N seconds ago' },
    { flags: '--since-minutes <N>', summary: 'begin N minutes ago' },
    { flags: '--since-hours <N>', summary: 'begin N hours ago' },
    { flags: '--since-days <N>', summary: 'begin N days ago' },
  ],
  examples: [
    { command: 'ward activation poll', does: 'all of them' },
    { command: 'ward activation poll hello --since-minutes 5', does: 'one action, from five minutes ago' },
  ],
  handler: async () => (await import('../handlers/activation-poll.ts')).poll,
};

export const activationGroup: GroupSpec = {
  name: 'activation',
  summary: 'what ran: records, results, logs',
  commands: [list, get, result, logs, poll],
};
