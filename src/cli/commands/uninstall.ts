/** `ward uninstall`: off this machine, with all that the set-up and the server have made. */
import type { CommandSpec } from '../command-spec.ts';

export const uninstallCommand: CommandSpec = {
  name: 'uninstall',
  summary: 'remove all that Ward and its set-up have made on this machine (operator)',
  works: 'local',
  administers: true,
  args: [],
  options: [
    { flags: '-y, --yes', summary: 'without asking' },
    { flags: '--dry-run', summary: 'show what would be removed, and do nothing' },
    { flags: '--keep-data', summary: 'leave the data folder and the images' },
  ],
  examples: [
    { command: 'ward uninstall', does: 'shows what goes, and asks; without a terminal it only shows' },
    { command: 'ward uninstall --yes --data /srv/ward', does: 'a data folder elsewhere, too; asks nothing' },
  ],
  handler: async () => (await import('../handlers/uninstall.ts')).uninstall,
};
