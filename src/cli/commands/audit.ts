/** `ward audit`: the gate's log of verdicts, on the machine itself. */
import type { CommandSpec, GroupSpec } from '../command-spec.ts';

const list: CommandSpec = {
  name: 'list',
  summary: 'list the decisions of the gate, oldest first (operator)',
  works: 'local',
  args: [],
  options: [
    { flags: '-l, --limit <N>', summary: 'list at most N (100)' },
    { flags: '--after <SEQ>', summary: 'only entries after the one with this number' },
  ],
  examples: [
    { command: 'ward audit list', does: 'the first hundred entries' },
    { command: 'ward audit list --after 100 -o json', does: 'the following entries, as JSON' },
  ],
  handler: async () => (await import('../handlers/audit.ts')).list,
};

const verify: CommandSpec = {
  name: 'verify',
  summary: 'check that no one changed, removed or added an entry of the log (operator)',
  works: 'local',
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
  summary: 'the log of the gate’s decisions',
  commands: [list, verify],
};
