/** `ward egress` shows which names functions reached, and what was refused to them. */
import type { CommandSpec, GroupSpec } from '../command-spec.ts';

const list: CommandSpec = {
  name: 'list',
  summary: 'list which names and addresses actions reached, and what was refused to them and why',
  works: 'remote',
  args: [{ name: '[action]', summary: 'only of this action: NAME or PACKAGE/NAME' }],
  options: [
    { flags: '--target <PART>', summary: 'only names and addresses with this part' },
    { flags: '--refused', summary: 'only what was refused' },
    { flags: '--since <TIME>', summary: 'from this day: 30d, or 2026-01-31 (UTC; 7 days)' },
    { flags: '--until <TIME>', summary: 'to this day (today)' },
    { flags: '-l, --limit <N>', summary: 'list at most N (1000)' },
    { flags: '-a, --all', summary: 'of every namespace of the server on this machine' },
    { flags: '--namespace <NAME>', summary: 'of this namespace of the server on this machine' },
    {
      flags: '--config <FILE>',
      summary: 'with --all or --namespace: configuration file of the server (WARD_CONFIG)',
    },
  ],
  examples: [
    { command: 'ward egress list', does: 'shows the last 7 days of the key’s namespace, by action' },
    { command: 'ward egress list hello --refused', does: 'shows what a rule would have to allow' },
    {
      command: 'ward egress list --all --target example.com -o json',
      does: 'shows who reaches these names, in every namespace',
    },
  ],
  handler: async () => (await import('../handlers/egress.ts')).list,
};

export const egressGroup: GroupSpec = {
  name: 'egress',
  summary: 'show which names functions reached, and what was refused to them',
  commands: [list],
};
