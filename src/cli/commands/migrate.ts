/** `ward migrate`: the operator's, on the machine itself. */
import type { CommandSpec } from '../command-spec.ts';

export const migrateCommand: CommandSpec = {
  name: 'migrate',
  summary: 'move the databases to PostgreSQL, or the blobs into a bucket, or back (operator)',
  works: 'local',
  dataFolder: 'changes',
  entry: (input) => ({ what: 'migrate', name: input.has('blobs') ? 'blobs' : 'databases' }),
  args: [],
  options: [
    {
      flags: '--to <PLACE>',
      summary: 'postgres://USER@HOST/DATABASE, or folder: back from the database that `store` names',
    },
    {
      flags: '--blobs',
      summary: 'move code and pushed images into the bucket that `blobs` names; with --to folder, out of it',
    },
  ],
  examples: [
    {
      command: 'ward migrate --to postgres://ward@db.example/ward',
      does: 'copies while the server runs; run it again when the server has stopped, to complete the move',
    },
    {
      command: 'ward migrate --to folder',
      does: 'moves everything back from the database that `store` names',
    },
    {
      command: 'ward migrate --blobs',
      does: 'copies while the server runs; run it again when the server has stopped, to complete the move',
    },
    {
      command: 'ward migrate --blobs --to folder',
      does: 'the same from the bucket into the data folder',
    },
  ],
  handler: async () => (await import('../handlers/migrate.ts')).migrate,
};
