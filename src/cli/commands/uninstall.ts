/** `ward uninstall`: removes Ward from this machine, with everything that the set-up and the server created. */
import type { CommandSpec } from '../command-spec.ts';

export const uninstallCommand: CommandSpec = {
  name: 'uninstall',
  summary: 'remove everything that Ward and its set-up created on this machine (operator)',
  works: 'local',
  dataFolder: 'changes',
  entry: (input) =>
    input.has('dryRun') ? undefined : { what: 'uninstall', name: input.has('keepData') ? 'programs' : 'all' },
  args: [],
  options: [
    { flags: '-y, --yes', summary: 'do not ask' },
    { flags: '--dry-run', summary: 'show what would be removed, and do nothing' },
    { flags: '--keep-data', summary: 'keep the data folder and the images' },
  ],
  examples: [
    {
      command: 'ward uninstall',
      does: 'shows what would be removed, and asks; without a terminal it only shows',
    },
    {
      command: 'ward uninstall --yes --data /srv/ward',
      does: 'also removes another data folder; does not ask',
    },
  ],
  handler: async () => (await import('../handlers/uninstall.ts')).uninstall,
};
