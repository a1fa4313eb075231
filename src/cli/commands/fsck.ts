/** `ward fsck`: the operator's, on the machine itself. */
import type { CommandSpec } from '../command-spec.ts';

export const fsckCommand: CommandSpec = {
  name: 'fsck',
  summary: 'compare all that a server keeps with its digests and counters, while it runs or not (operator)',
  works: 'local',
  administers: true,
  args: [],
  options: [
    {
      flags: '--repair',
      summary:
        'take damaged unpacked layers away, so that they are unpacked anew; the server must be stopped',
    },
  ],
  examples: [
    { command: 'ward fsck', does: 'of the server in /var/lib/ward; exit code 1 when something is damaged' },
    { command: 'ward fsck --data /srv/ward -o json', does: 'of another folder, for a program' },
  ],
  handler: async () => (await import('../handlers/fsck.ts')).fsck,
};
