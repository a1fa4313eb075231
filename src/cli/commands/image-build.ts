/** `ward image build`, `ward base build`: images of functions, and the bases that they stand on. */
import type { CommandSpec, GroupSpec, OptionSpec } from '../command-spec.ts';

const keyOption: OptionSpec = {
  flags: '--sign <KEY>',
  summary: 'sign with the private key in this file; WARD_KEY_PASSPHRASE opens it',
};

export const imageBuildCommand: CommandSpec = {
  name: 'build',
  summary: 'make an image from a function’s folder, or by its Dockerfile; scan, sign and push it',
  works: 'local',
  args: [{ name: '<dir>', summary: 'the folder; .wardignore, else .dockerignore, says what stays out' }],
  options: [
    { flags: '--base <NAME>', summary: 'the image in Ward’s store to build on: NAME[:TAG][@DIGEST]' },
    { flags: '--kind <KIND>', summary: 'build on the runtime image of this kind (by the folder’s files)' },
    {
      flags: '-t, --tag <NAME>',
      summary: 'its name; NAMESPACE/NAME[:TAG] in the registry, NAME[:TAG] elsewhere (after the folder)',
    },
    {
      flags: '--entrypoint <COMMAND>',
      summary: 'the program that listens on port 8080, instead of Ward’s server: words, or a JSON list',
    },
    { flags: '-l, --label <KEY VALUE>', summary: 'a label of the image', takes: 'pair' },
    { flags: '--platform <OS/ARCH>', summary: 'what it is for: linux/arm64 (this machine’s)' },
    {
      flags: '--build-arg <NAME=VALUE>',
      summary: 'an ARG of the Dockerfile; it can be read in the image',
      takes: 'many',
    },
    { flags: '--network', summary: 'let the Dockerfile use the network' },
    {
      flags: '-o, --output <FORMAT|DEST>',
      summary:
        'table, json, yaml, wide or name as everywhere; or where it goes instead of Ward’s image store: oci:DIR, or a file that ends in .tar',
    },
    { flags: '--push', summary: 'push it to the registry of the server' },
    keyOption,
    { flags: '--provenance <FILE>', summary: 'write how it was built (in-toto statement, SLSA v1)' },
    { flags: '--no-scan', summary: 'do not scan it; the gate does before it is deployed' },
  ],
  examples: [
    { command: 'ward image build ./app', does: 'for ward action create hello --docker app' },
    {
      command: 'ward image build ./app --tag guest/app:1 --sign key.pem --push',
      does: 'scan, sign and push it',
    },
    { command: 'ward image build ./app --output app.tar --no-scan', does: 'a file for other tools' },
    {
      command: 'ward image build ./server --base base:13 --entrypoint /fn/server',
      does: 'a program that speaks HTTP itself',
    },
  ],
  handler: async () => (await import('../handlers/image-build.ts')).build,
};

const buildBases: CommandSpec = {
  name: 'build',
  summary: 'make Ward’s own images anew, with the current packages',
  works: 'local',
  args: [],
  options: [keyOption],
  examples: [
    { command: 'ward base build', does: 'what has not changed is taken as it is' },
    { command: 'ward base build --sign key.pem', does: 'and sign each' },
  ],
  handler: async () => (await import('../handlers/image-build-bases.ts')).build,
};

export const baseGroup: GroupSpec = {
  name: 'base',
  summary: 'Ward’s own images, which all others stand on',
  commands: [buildBases],
};
