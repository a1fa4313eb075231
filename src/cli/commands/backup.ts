/** `ward backup`, `ward restore`: the operator's, on the machine itself. */
import type { CommandSpec } from '../command-spec.ts';

export const backupCommand: CommandSpec = {
  name: 'backup',
  summary: 'write all that a server keeps into one file, while it runs or not (operator)',
  works: 'local',
  administers: true,
  args: [{ name: '<file>', summary: 'what to write: a tar packed with zstd' }],
  options: [
    {
      flags: '--with-keys',
      summary: 'with the keys that encrypt parameters, keys that sign, and the key of the first namespace',
    },
    { flags: '--no-advisories', summary: 'without the file of advisories, which can be fetched again' },
    { flags: '--force', summary: 'take the place of a file that is there' },
  ],
  examples: [
    {
      command: 'ward backup /backup/ward-monday.tar.zst',
      does: 'of the server in /var/lib/ward, without its keys',
    },
    {
      command: 'ward backup ward.tar.zst --with-keys --data /srv/ward',
      does: 'all that another machine needs',
    },
  ],
  handler: async () => (await import('../handlers/backup.ts')).backup,
};

export const restoreCommand: CommandSpec = {
  name: 'restore',
  summary: 'lay what a backup holds into an empty data folder: all of it, or nothing (operator)',
  works: 'local',
  administers: true,
  args: [{ name: '<file>', summary: 'what `ward backup` wrote' }],
  options: [
    {
      flags: '--replace',
      summary: 'take the place of what Ward has in the folder, and of images of the same names',
    },
  ],
  examples: [
    { command: 'ward restore ward-monday.tar.zst', does: 'into /var/lib/ward; then start the server' },
    { command: 'ward restore ward.tar.zst --data /srv/ward', does: 'into another folder, to look at it' },
  ],
  handler: async () => (await import('../handlers/backup.ts')).restore,
};
