/** `ward backup`, `ward restore`: the operator's, on the machine itself. */
import type { CommandSpec } from '../command-spec.ts';

export const backupCommand: CommandSpec = {
  name: 'backup',
  summary: 'write all data of a server into one file; the server can keep running (operator)',
  works: 'local',
  dataFolder: 'changes',
  entry: (input) => ({
    ...{ what: 'backup', name: input.required(0) },
    ...(input.has('withKeys') ? { summary: 'with keys' } : {}),
  }),
  args: [{ name: '<file>', summary: 'the file to write: a tar compressed with zstd' }],
  options: [
    {
      flags: '--with-keys',
      summary: 'include the keys that encrypt parameters, signing keys, and the key of the first namespace',
    },
    { flags: '--no-advisories', summary: 'leave out the file of advisories, which you can download again' },
    { flags: '--force', summary: 'overwrite an existing file' },
  ],
  examples: [
    {
      command: 'ward backup /backup/ward-monday.tar.zst',
      does: 'of the server in /var/lib/ward, without its keys',
    },
    {
      command: 'ward backup ward.tar.zst --with-keys --data /srv/ward',
      does: 'everything that another machine needs',
    },
  ],
  handler: async () => (await import('../handlers/backup.ts')).backup,
};

export const restoreCommand: CommandSpec = {
  name: 'restore',
  summary: 'restore a backup into an empty data folder, completely or not at all (operator)',
  works: 'local',
  dataFolder: 'changes',
  args: [{ name: '<file>', summary: 'a file that `ward backup` wrote' }],
  options: [
    {
      flags: '--replace',
      summary: 'replace Ward’s data in the folder, and images with the same names',
    },
  ],
  examples: [
    { command: 'ward restore ward-monday.tar.zst', does: 'into /var/lib/ward; then start the server' },
    { command: 'ward restore ward.tar.zst --data /srv/ward', does: 'into another folder, to inspect it' },
  ],
  handler: async () => (await import('../handlers/backup.ts')).restore,
};
