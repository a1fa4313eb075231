/** Options and arguments that several commands share, with wsk's names where wsk has them. */
import type { OptionSpec } from '../command-spec.ts';

export const parameterOptions: readonly OptionSpec[] = [
  { flags: '-p, --param <KEY VALUE>', summary: 'a parameter, as JSON or text', takes: 'pair' },
  { flags: '-P, --param-file <FILE>', summary: 'a JSON file with parameters (- for standard input)' },
];

export const annotationOptions: readonly OptionSpec[] = [
  { flags: '-a, --annotation <KEY VALUE>', summary: 'an annotation', takes: 'pair' },
  { flags: '-A, --annotation-file <FILE>', summary: 'a JSON file with annotations (- for standard input)' },
];

export const pageOptions: readonly OptionSpec[] = [
  { flags: '-l, --limit <N>', summary: 'list at most N (30); 0 means 200' },
  { flags: '-s, --skip <N>', summary: 'skip the first N' },
];

export const listOptions: readonly OptionSpec[] = [
  ...pageOptions,
  { flags: '-n, --name-sort', summary: 'sort by name instead of newest first' },
];

export const summaryOption: OptionSpec = {
  flags: '-s, --summary',
  summary: 'describe it and its parameters in words; * marks bound parameters',
};

export const secretsOption: OptionSpec = {
  flags: '--show-secrets',
  summary: 'also show values that look like secrets, and values hidden on request',
};

export const fieldArgument = { name: '[field]', summary: 'show only this field, as JSON' };
export const namespaceArgument = {
  name: '[namespace]',
  summary: '/NAMESPACE; without it, the namespace of the key',
};

/** The format of a scan report and the file it goes to. */
export const reportOptions: readonly OptionSpec[] = [
  {
    flags: '--format <FORMAT>',
    summary: 'format of the report',
    choices: ['table', 'json', 'sarif', 'cyclonedx', 'spdx', 'junit', 'gitlab'],
  },
  {
    flags: '-o, --output <FORMAT|FILE>',
    summary:
      'table, json, yaml, wide or name as in other commands; or an output file, with a dot or a slash in its name',
  },
  {
    flags: '--reports <DIR>',
    summary: 'also write a report in each format to this folder, under the names that CI systems expect',
  },
];
