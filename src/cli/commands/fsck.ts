/** `ward fsck`: the operator's, on the machine itself. */
import type { CommandSpec } from '../command-spec.ts';

export const fsckCommand: CommandSpec = {
  name: 'fsck',
  summary:
    'compare all data of a server with its digests and counters; the server can keep running (operator)',
  works: 'local',
  dataFolder: 'changes',
  entry: (input) => (input.has('repair') ? { what: 'repair', name: 'images' } : undefined),
  args: [],
  options: [
    {
      flags: '--repair',
      summary: 'remove damaged unpacked layers, so that Ward unpacks them again; stop the server first',
    },
  ],
  examples: [
    { command: 'ward fsck', does: 'of the server in /var/lib/ward; exits with 1 if something is damaged' },
    { command: 'ward fsck --data /srv/ward -o json', does: 'of another folder, as JSON' },
  ],
  handler: async () => (await import('../handlers/fsck.ts')).fsck,
};
