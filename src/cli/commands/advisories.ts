/** `ward advisories`: data about vulnerable and malicious packages; works on the machine itself, without a server. */
import type { CommandSpec, GroupSpec, OptionSpec } from '../command-spec.ts';

const fileOption: OptionSpec = {
  flags: '--advisories <FILE>',
  summary: 'the file of advisories; without it, the one in the data folder',
};

const update: CommandSpec = {
  name: 'update',
  summary: 'download and import what has changed at the advisory sources',
  works: 'local',
  dataFolder: 'changes',
  entry: () => ({ what: 'update-advisories', name: 'advisories' }),
  args: [],
  options: [
    {
      flags: '--source <NAME>',
      summary: 'only this source, or all below it: osv/npm, alpine; others stay unchanged',
      takes: 'many',
    },
    { flags: '--sources <FILE>', summary: 'a list of sources to use instead of Ward’s' },
    {
      flags: '--from <URL|DIR>',
      summary: 'a mirror to use instead of the original exports, with each file at HOST/PATH of its URL',
    },
    {
      flags: '--key <FILE>',
      summary: 'the public key of the mirror: SHA256SUMS.sig must be its signature of SHA256SUMS',
    },
    {
      flags: '--accept-fewer',
      summary: 'also accept sources with far fewer records than before, or than expected',
    },
    fileOption,
  ],
  examples: [
    { command: 'ward advisories update', does: 'all sources; exits with 1 if one of them failed' },
    {
      command: 'ward advisories update --source osv/npm --source cisa/kev --data .ward',
      does: 'two sources, without root',
    },
    {
      command: 'ward advisories update --from https://mirror.example.org/advisories --key mirror.pub',
      does: 'from a signed mirror',
    },
  ],
  handler: async () => (await import('../handlers/advisories.ts')).update,
};

const importFiles: CommandSpec = {
  name: 'import',
  summary: 'import advisory exports without a network; they replace earlier data of the same sources',
  works: 'local',
  dataFolder: 'changes',
  entry: () => ({ what: 'import-advisories', name: 'advisories' }),
  args: [
    {
      name: '<files...>',
      summary:
        'exports of OSV (.json, .ndjson.gz, .zip), Debian, Alpine, KEV, EPSS, …, or folders with exports',
    },
  ],
  options: [fileOption],
  examples: [
    { command: 'ward advisories import npm/all.zip Debian/all.zip', does: 'exports that OSV publishes' },
    { command: 'ward advisories import ./exports --data .ward', does: 'a folder of files, without root' },
  ],
  handler: async () => (await import('../handlers/advisories.ts')).importFiles,
};

const status: CommandSpec = {
  name: 'status',
  summary: 'show the number, the sources and the age of the advisories',
  works: 'local',
  dataFolder: 'reads',
  args: [],
  options: [fileOption],
  examples: [
    { command: 'ward advisories status', does: 'by source' },
    { command: 'ward advisories status -o json', does: 'everything, as JSON' },
  ],
  handler: async () => (await import('../handlers/advisories.ts')).status,
};

const sources: CommandSpec = {
  name: 'sources',
  summary: 'list the sources of advisories; -o name prints the URLs for a mirror',
  works: 'local',
  args: [],
  options: [{ flags: '--sources <FILE>', summary: 'a list of sources to use instead of Ward’s' }],
  examples: [
    { command: 'ward advisories sources', does: 'names and URLs' },
    {
      command: 'ward advisories sources -o name > urls',
      does: 'then wget --force-directories --input-file urls creates a mirror',
    },
  ],
  handler: async () => (await import('../handlers/advisories.ts')).sources,
};

export const advisoriesGroup: GroupSpec = {
  name: 'advisories',
  summary: 'data about vulnerable and malicious packages',
  commands: [update, importFiles, status, sources],
};
