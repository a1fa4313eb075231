/** Options and arguments that several commands have, with the names that wsk gives them where it has them. */
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

/** How a scan is shown, and where it is written. */
export const reportOptions: readonly OptionSpec[] = [
  {
    flags: '--format <FORMAT>',
    summary: 'what is written',
    choices: ['table', 'json', 'sarif', 'cyclonedx', 'spdx', 'junit', 'gitlab'],
  },
  {
    flags: '-o, --output <FORMAT|FILE>',
    summary:
      'table, json, yaml, wide or name as everywhere; or a file to write to, with a dot or a slash in its name',
  },
  {
    flags: '--reports <DIR>',
    summary: 'write a report of each format to this folder as well, by the names that CI systems look for',
  },
];
