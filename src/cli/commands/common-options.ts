/** Options and arguments that several entities have, as wsk has them. */
import type { OptionSpec } from '../command-spec.ts';

export const parameterOptions: readonly OptionSpec[] = [
  { flags: '-p, --param <KEY VALUE>', summary: 'a parameter; the value is JSON or text', takes: 'pair' },
  { flags: '-P, --param-file <FILE>', summary: 'a JSON file of parameters; - is standard input' },
];

export const annotationOptions: readonly OptionSpec[] = [
  { flags: '-a, --annotation <KEY VALUE>', summary: 'an annotation', takes: 'pair' },
  { flags: '-A, --annotation-file <FILE>', summary: 'a JSON file of annotations; - is standard input' },
];

export const pageOptions: readonly OptionSpec[] = [
  { flags: '-l, --limit <N>', summary: 'at most N (30); 0 means 200' },
  { flags: '-s, --skip <N>', summary: 'leave out the first N' },
];

export const listOptions: readonly OptionSpec[] = [
  ...pageOptions,
  { flags: '-n, --name-sort', summary: 'by name instead of newest first' },
];

export const summaryOption: OptionSpec = {
  flags: '-s, --summary',
  summary: 'what it does and takes, in words; * marks what is bound',
};

export const secretsOption: OptionSpec = {
  flags: '--show-secrets',
  summary: 'values that look like secrets, too, and those that are hidden on request',
};

export const fieldArgument = { name: '[field]', summary: 'only this field, as JSON' };
export const namespaceArgument = { name: '[namespace]', summary: '/NAMESPACE; without it, that of the key' };
