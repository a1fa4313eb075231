/** `ward rule`: the records. Flags are wsk's own; dead letters and their replay are Ward's. */
import type { ArgumentSpec, CommandSpec, GroupSpec } from '../command-spec.ts';
import {
  annotationOptions,
  fieldArgument,
  listOptions,
  namespaceArgument,
  pageOptions,
} from './common-options.ts';

const nameArgument = { name: '<name>', summary: 'NAME or /NAMESPACE/NAME', names: 'rule' } as const;
const linkArguments: readonly ArgumentSpec[] = [
  nameArgument,
  { name: '<trigger>', summary: 'NAME or /NAMESPACE/NAME', names: 'trigger' },
  { name: '<action>', summary: 'NAME, PACKAGE/NAME or /NAMESPACE/[PACKAGE/]NAME', names: 'action' },
];

const create: CommandSpec = {
  name: 'create',
  summary: 'create a rule, so that a trigger starts an action',
  works: 'remote',
  args: linkArguments,
  options: annotationOptions,
  examples: [{ command: 'ward rule create greet arrived hello', does: 'the rule is active at once' }],
  handler: async () => (await import('../handlers/rule.ts')).create,
};

const update: CommandSpec = {
  name: 'update',
  summary: 'change a rule, or create it if it is new',
  works: 'remote',
  args: linkArguments,
  options: annotationOptions,
  examples: [
    { command: 'ward rule update greet arrived tools/hello', does: 'the rule stays active or inactive' },
  ],
  handler: async () => (await import('../handlers/rule.ts')).update,
};

const get: CommandSpec = {
  name: 'get',
  summary: 'show a rule',
  works: 'remote',
  args: [nameArgument, fieldArgument],
  options: [{ flags: '-s, --summary', summary: 'show the trigger, the action and the status' }],
  examples: [
    { command: 'ward rule get greet', does: 'shows the rule' },
    { command: 'ward rule get greet --summary', does: 'shows the rule in two lines' },
  ],
  handler: async () => (await import('../handlers/rule.ts')).get,
};

const list: CommandSpec = {
  name: 'list',
  summary: 'list rules with their status',
  works: 'remote',
  args: [namespaceArgument],
  options: listOptions,
  examples: [{ command: 'ward rule list', does: 'the newest 30' }],
  handler: async () => (await import('../handlers/rule.ts')).list,
};

const remove: CommandSpec = {
  name: 'delete',
  summary: 'delete a rule',
  works: 'remote',
  args: [nameArgument],
  options: [{ flags: '--disable', summary: 'disable the rule first' }],
  examples: [{ command: 'ward rule delete greet', does: 'the trigger and the action stay' }],
  handler: async () => (await import('../handlers/rule.ts')).remove,
};

const enable: CommandSpec = {
  name: 'enable',
  summary: 'enable a rule',
  works: 'remote',
  args: [nameArgument],
  options: [],
  examples: [{ command: 'ward rule enable greet', does: 'the trigger must exist' }],
  handler: async () => (await import('../handlers/rule.ts')).enable,
};

const disable: CommandSpec = {
  name: 'disable',
  summary: 'disable a rule',
  works: 'remote',
  args: [nameArgument],
  options: [],
  examples: [{ command: 'ward rule disable greet', does: 'the rule does nothing until you enable it' }],
  handler: async () => (await import('../handlers/rule.ts')).disable,
};

const status: CommandSpec = {
  name: 'status',
  summary: 'show whether a rule is active',
  works: 'remote',
  args: [nameArgument],
  options: [],
  examples: [{ command: 'ward rule status greet', does: 'prints active or inactive' }],
  handler: async () => (await import('../handlers/rule.ts')).status,
};

const letterArguments = [
  nameArgument,
  { name: '[id]', summary: 'only this dead letter; without it, all of the rule' },
];

const deadLetters: CommandSpec = {
  name: 'dead-letters',
  summary: 'list dead letters: calls by rules that failed for good',
  works: 'remote',
  args: [{ name: '[name]', summary: 'only dead letters of this rule', names: 'rule' }],
  options: pageOptions,
  examples: [
    { command: 'ward rule dead-letters', does: 'dead letters of all rules, newest first' },
    {
      command: 'ward rule dead-letters greet -o wide',
      does: 'dead letters of one rule, with their activations',
    },
  ],
  handler: async () => (await import('../handlers/dead-letters.ts')).list,
};

const replay: CommandSpec = {
  name: 'replay',
  summary: 'repeat the failed calls of a rule',
  works: 'remote',
  args: letterArguments,
  options: [],
  examples: [{ command: 'ward rule replay greet', does: 'repeats all failed calls of greet' }],
  handler: async () => (await import('../handlers/dead-letters.ts')).replay,
};

const discard: CommandSpec = {
  name: 'discard',
  summary: 'delete dead letters',
  works: 'remote',
  args: letterArguments,
  options: [],
  examples: [{ command: 'ward rule discard greet', does: 'the calls can’t be replayed any more' }],
  handler: async () => (await import('../handlers/dead-letters.ts')).discard,
};

export const ruleGroup: GroupSpec = {
  name: 'rule',
  summary: 'rules: which triggers start which actions',
  commands: [create, update, get, list, remove, enable, disable, status, deadLetters, replay, discard],
};
