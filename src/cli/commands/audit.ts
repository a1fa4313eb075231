/** `ward audit`: the log of changes and verdicts, of the key's namespace or of the machine itself. */
import type { CommandSpec, GroupSpec, OptionSpec } from '../command-spec.ts';

const filters: readonly OptionSpec[] = [
  { flags: '--who <PATTERN>', summary: 'only entries of this actor: `guest *` (a namespace), `operator *`' },
  { flags: '--what <PATTERN>', summary: 'only this change, or of this thing: `delete-*`, `/guest/*`' },
  { flags: '--since <TIME>', summary: 'only since this time: 30m, 12h, 7d, or 2026-01-31T12:00Z' },
  { flags: '--until <TIME>', summary: 'only before this time' },
  { flags: '--after <SEQ>', summary: 'only entries after the one with this number' },
];

const places: readonly OptionSpec[] = [
  { flags: '-a, --all', summary: 'of every namespace of the server on this machine, and of operators' },
  { flags: '--namespace <NAME>', summary: 'of this namespace of the server on this machine' },
  {
    flags: '--config <FILE>',
    summary: 'with --all or --namespace: configuration file of the server (WARD_CONFIG)',
  },
];

const list: CommandSpec = {
  name: 'list',
  summary:
    'list changes and the decisions of the gate, oldest first, of the key’s namespace or of all (operator)',
  works: 'remote',
  args: [],
  options: [{ flags: '-l, --limit <N>', summary: 'list at most N (100)' }, ...filters, ...places],
  examples: [
    { command: 'ward audit list --since 1d', does: 'the first hundred entries of the last day' },
    { command: 'ward audit list --who "ada *" --what "delete-*"', does: 'what ada has deleted' },
    { command: 'ward audit list --after 100 -o json', does: 'the following entries, as JSON' },
    { command: 'ward audit list --all --who "operator *"', does: 'what operators have changed' },
  ],
  handler: async () => (await import('../handlers/audit.ts')).list,
};

const exportCommand: CommandSpec = {
  name: 'export',
  summary:
    'print all entries as JSON, one a line, with their hashes, of the key’s namespace or of all (operator)',
  works: 'remote',
  args: [],
  options: [
    ...filters,
    ...places,
    {
      flags: '--syslog <ADDRESS>',
      summary:
        'with --all or --namespace: send them to this syslog server instead: tls://HOST:PORT, tcp://HOST:PORT',
    },
  ],
  examples: [
    { command: 'ward audit export > audit.jsonl', does: 'all entries of the key’s namespace' },
    { command: 'ward audit export --all > audit.jsonl', does: 'a copy of the whole log' },
    {
      command: 'ward audit export --all --syslog tls://logs.example.com:6514 --after 912',
      does: 'sends what came after the entry 912',
    },
  ],
  handler: async () => (await import('../handlers/audit.ts')).exportLines,
};

const verify: CommandSpec = {
  name: 'verify',
  summary: 'check that no one changed, removed or added an entry of the log (operator)',
  works: 'local',
  dataFolder: 'reads',
  args: [],
  options: [
    {
      flags: '--key <FILE>',
      summary: 'a public key whose checkpoints must match as well',
      takes: 'many',
    },
    {
      flags: '--checkpoint <FILE>',
      summary: 'a checkpoint in JSON that you kept elsewhere',
      takes: 'many',
    },
  ],
  examples: [
    { command: 'ward audit verify', does: 'exits with 1 if the chain is broken' },
    {
      command: 'ward audit verify --key ward.pub --checkpoint last-week.json',
      does: 'also detects a completely rewritten log',
    },
  ],
  handler: async () => (await import('../handlers/audit.ts')).verify,
};

export const auditGroup: GroupSpec = {
  name: 'audit',
  summary: 'the log of changes and of the gate’s decisions',
  commands: [list, exportCommand, verify],
};
