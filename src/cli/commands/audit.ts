/** `ward audit`: the gate's log of verdicts, on the machine itself. */
import type { CommandSpec, GroupSpec } from '../command-spec.ts';

const list: CommandSpec = {
  name: 'list',
  summary: 'list what the gate has decided, oldest first (operator)',
  works: 'local',
  args: [],
  options: [
    { flags: '-l, --limit <N>', summary: 'at most N (100)' },
    { flags: '--after <SEQ>', summary: 'only entries after the one of this number' },
  ],
  examples: [
    { command: 'ward audit list', does: 'the first hundred' },
    { command: 'ward audit list --after 100 -o json', does: 'what follows, whole' },
  ],
  handler: async () => (await import('../handlers/audit.ts')).list,
};

const verify: CommandSpec = {
  name: 'verify',
  summary: 'check that no entry of the log was changed, removed or added (operator)',
  works: 'local',
  args: [],
  options: [
    {
      flags: '--key <FILE>',
      summary: 'a public key whose checkpoints must match, too',
      takes: 'many',
    },
    {
      flags: '--checkpoint <FILE>',
      summary: 'a checkpoint in JSON that was kept elsewhere',
      takes: 'many',
    },
  ],
  examples: [
    { command: 'ward audit verify', does: 'exit code 1 if the chain is broken' },
    {
      command: 'ward audit verify --key ward.pub --checkpoint last-week.json',
      does: 'finds a log that was rewritten whole, too',
    },
  ],
  handler: async () => (await import('../handlers/audit.ts')).verify,
};

export const auditGroup: GroupSpec = {
  name: 'audit',
  summary: 'the log of what the gate has decided',
  commands: [list, verify],
};
