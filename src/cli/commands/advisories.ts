/** `ward advisories`: what is known of vulnerable and malicious packages; on the machine itself, no server needed. */
import type { CommandSpec, GroupSpec, OptionSpec } from '../command-spec.ts';

const fileOption: OptionSpec = {
  flags: '--advisories <FILE>',
  summary: 'the file of advisories; without it, the one in the data folder',
};

const update: CommandSpec = {
  name: 'update',
  summary: 'download what has changed at the sources of advisories, and take it in',
  works: 'local',
  administers: true,
  args: [],
  options: [
    {
      flags: '--source <NAME>',
      summary: 'only this source, or all below it: osv/npm, alpine; others stay as they are',
      takes: 'many',
    },
    { flags: '--sources <FILE>', summary: 'another list of sources than Ward’s own' },
    {
      flags: '--from <URL|DIR>',
      summary:
        'a mirror of the exports, instead of the exports themselves: each file at HOST/PATH of its URL',
    },
    {
      flags: '--key <FILE>',
      summary: 'the public key that signs the mirror: SHA256SUMS.sig must be its signature of SHA256SUMS',
    },
    {
      flags: '--accept-fewer',
      summary: 'take sources also that have far fewer records than before, or than they should',
    },
    fileOption,
  ],
  examples: [
    { command: 'ward advisories update', does: 'all sources; exit code 1 when one of them failed' },
    {
      command: 'ward advisories update --source osv/npm --source cisa/kev --data .ward',
      does: 'two of them, without root',
    },
    {
      command: 'ward advisories update --from https://mirror.example.org/advisories --key mirror.pub',
      does: 'from a mirror that is signed',
    },
  ],
  handler: async () => (await import('../handlers/advisories.ts')).update,
};

const importFiles: CommandSpec = {
  name: 'import',
  summary: 'take in files of advisories without a network; what the same sources said before is replaced',
  works: 'local',
  administers: true,
  args: [
    {
      name: '<files...>',
      summary: 'exports of OSV (.json, .ndjson.gz, .zip), Debian, Alpine, KEV, EPSS, …; or folders of them',
    },
  ],
  options: [fileOption],
  examples: [
    { command: 'ward advisories import npm/all.zip Debian/all.zip', does: 'what OSV publishes' },
    { command: 'ward advisories import ./exports --data .ward', does: 'a folder of files, without root' },
  ],
  handler: async () => (await import('../handlers/advisories.ts')).importFiles,
};

const status: CommandSpec = {
  name: 'status',
  summary: 'show how many advisories there are, from where, and how old they are',
  works: 'local',
  args: [],
  options: [fileOption],
  examples: [
    { command: 'ward advisories status', does: 'by source' },
    { command: 'ward advisories status -o json', does: 'all of it, for a program' },
  ],
  handler: async () => (await import('../handlers/advisories.ts')).status,
};

const sources: CommandSpec = {
  name: 'sources',
  summary: 'list where advisories come from, for a mirror of them: -o name prints the URLs',
  works: 'local',
  args: [],
  options: [{ flags: '--sources <FILE>', summary: 'another list of sources than Ward’s own' }],
  examples: [
    { command: 'ward advisories sources', does: 'names and URLs' },
    {
      command: 'ward advisories sources -o name > urls',
      does: 'what wget --force-directories --input-file urls makes a mirror of',
    },
  ],
  handler: async () => (await import('../handlers/advisories.ts')).sources,
};

export const advisoriesGroup: GroupSpec = {
  name: 'advisories',
  summary: 'what is known of vulnerable and malicious packages',
  commands: [update, importFiles, status, sources],
};
