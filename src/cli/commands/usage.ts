/** `ward usage`. */
import type { CommandSpec } from '../command-spec.ts';

export const usageCommand: CommandSpec = {
  name: 'usage',
  summary:
    'show calls, memory × time, cold starts and traffic by day, for the key or for all namespaces (operator)',
  works: 'remote',
  args: [],
  options: [
    { flags: '-a, --all', summary: 'of every namespace of the server on this machine, also deleted ones' },
    { flags: '--namespace <NAME>', summary: 'of this namespace of the server on this machine' },
    { flags: '--since <TIME>', summary: 'from this day: 7d, or 2026-01-31 (UTC; 30 days)' },
    { flags: '--until <TIME>', summary: 'to this day (today)' },
    { flags: '--csv', summary: 'as a table for spreadsheets' },
    {
      flags: '--config <FILE>',
      summary: 'with --all or --namespace: configuration file of the server (WARD_CONFIG)',
    },
  ],
  examples: [
    { command: 'ward usage --since 7d', does: 'a line for each day on which the key’s namespace had calls' },
    {
      command: 'ward usage --all --since 2026-01-01 --until 2026-01-31 --csv',
      does: 'all namespaces in January, for a bill',
    },
  ],
  handler: async () => (await import('../handlers/usage.ts')).usage,
};
