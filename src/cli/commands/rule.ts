/** `ward rule`: the records. Flags are wsk's own; what is dead and can be replayed is Ward's. */
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
  summary: 'let a trigger start an action, from now on',
  works: 'remote',
  args: linkArguments,
  options: annotationOptions,
  examples: [{ command: 'ward rule create greet arrived hello', does: 'active at once' }],
  handler: async () => (await import('../handlers/rule.ts')).create,
};

const update: CommandSpec = {
  name: 'update',
  summary: 'change a rule, or create it if it is new',
  works: 'remote',
  args: linkArguments,
  options: annotationOptions,
  examples: [{ command: 'ward rule update greet arrived tools/hello', does: 'it stays active or inactive' }],
  handler: async () => (await import('../handlers/rule.ts')).update,
};

const get: CommandSpec = {
  name: 'get',
  summary: 'show a rule',
  works: 'remote',
  args: [nameArgument, fieldArgument],
  options: [{ flags: '-s, --summary', summary: 'what it links, and its status' }],
  examples: [
    { command: 'ward rule get greet', does: 'what it is' },
    { command: 'ward rule get greet --summary', does: 'in two lines' },
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
  options: [{ flags: '--disable', summary: 'disable it first' }],
  examples: [{ command: 'ward rule delete greet', does: 'its trigger and action stay' }],
  handler: async () => (await import('../handlers/rule.ts')).remove,
};

const enable: CommandSpec = {
  name: 'enable',
  summary: 'let a rule act again',
  works: 'remote',
  args: [nameArgument],
  options: [],
  examples: [{ command: 'ward rule enable greet', does: 'needs its trigger' }],
  handler: async () => (await import('../handlers/rule.ts')).enable,
};

const disable: CommandSpec = {
  name: 'disable',
  summary: 'keep a rule from acting',
  works: 'remote',
  args: [nameArgument],
  options: [],
  examples: [{ command: 'ward rule disable greet', does: 'until it is enabled' }],
  handler: async () => (await import('../handlers/rule.ts')).disable,
};

const status: CommandSpec = {
  name: 'status',
  summary: 'show whether a rule is active',
  works: 'remote',
  args: [nameArgument],
  options: [],
  examples: [{ command: 'ward rule status greet', does: 'active or inactive' }],
  handler: async () => (await import('../handlers/rule.ts')).status,
};

const letterArguments = [
  nameArgument,
  { name: '[id]', summary: 'only this one; without it, all of the rule' },
];

const deadLetters: CommandSpec = {
  name: 'dead-letters',
  summary: 'list calls of rules’ actions that failed for good',
  works: 'remote',
  args: [{ name: '[name]', summary: 'only of this rule', names: 'rule' }],
  options: pageOptions,
  examples: [
    { command: 'ward rule dead-letters', does: 'of all rules, newest first' },
    { command: 'ward rule dead-letters greet -o wide', does: 'of one, with its activations' },
  ],
  handler: async () => (await import('../handlers/dead-letters.ts')).list,
};

const replay: CommandSpec = {
  name: 'replay',
  summary: 'call the action again with what was lost',
  works: 'remote',
  args: letterArguments,
  options: [],
  examples: [{ command: 'ward rule replay greet', does: 'everything that greet has lost' }],
  handler: async () => (await import('../handlers/dead-letters.ts')).replay,
};

const discard: CommandSpec = {
  name: 'discard',
  summary: 'delete dead letters',
  works: 'remote',
  args: letterArguments,
  options: [],
  examples: [{ command: 'ward rule discard greet', does: 'they can’t be replayed any more' }],
  handler: async () => (await import('../handlers/dead-letters.ts')).discard,
};

export const ruleGroup: GroupSpec = {
  name: 'rule',
  summary: 'rules: which trigger starts which action',
  commands: [create, update, get, list, remove, enable, disable, status, deadLetters, replay, discard],
};
