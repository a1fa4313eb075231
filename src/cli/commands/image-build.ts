/** `ward image build`, `ward base build`: images of functions, and their base images. */
import type { CommandSpec, GroupSpec, OptionSpec } from '../command-spec.ts';

const keyOption: OptionSpec = {
  flags: '--sign <KEY>',
  summary: 'sign with the private key in this file; WARD_KEY_PASSPHRASE opens it',
};

export const imageBuildCommand: CommandSpec = {
  name: 'build',
  summary: 'build an image from a function’s folder or its Dockerfile; scan, sign and push it',
  works: 'local',
  args: [{ name: '<dir>', summary: 'the folder; .wardignore, else .dockerignore, lists what to leave out' }],
  options: [
    { flags: '--base <NAME>', summary: 'the image in Ward’s store to build on: NAME[:TAG][@DIGEST]' },
    { flags: '--kind <KIND>', summary: 'build on the runtime image of this kind (from the folder’s files)' },
    {
      flags: '-t, --tag <NAME>',
      summary:
        'name of the image: NAMESPACE/NAME[:TAG] in the registry, NAME[:TAG] elsewhere (the folder’s name)',
    },
    {
      flags: '--entrypoint <COMMAND>',
      summary: 'the program that listens on port 8080 instead of Ward’s server: words, or a JSON list',
    },
    { flags: '-l, --label <KEY VALUE>', summary: 'a label of the image', takes: 'pair' },
    { flags: '--platform <OS/ARCH>', summary: 'platform of the image: linux/arm64 (this machine’s)' },
    {
      flags: '--build-arg <NAME=VALUE>',
      summary: 'an ARG of the Dockerfile; users of the image can read it',
      takes: 'many',
    },
    { flags: '--network', summary: 'let the Dockerfile use the network' },
    {
      flags: '-o, --output <FORMAT|DEST>',
      summary:
        'table, json, yaml, wide or name as in other commands; or the destination instead of Ward’s image store: oci:DIR, or a file that ends in .tar',
    },
    { flags: '--push', summary: 'push the image to the registry of the server' },
    keyOption,
    {
      flags: '--provenance <FILE>',
      summary: 'write the provenance to this file (in-toto statement, SLSA v1)',
    },
    { flags: '--no-scan', summary: 'do not scan the image; the gate scans it before a deployment' },
  ],
  examples: [
    { command: 'ward image build ./app', does: 'then: ward action create hello --docker app' },
    {
      command: 'ward image build ./app --tag guest/app:1 --sign key.pem --push',
      does: 'scans, signs and pushes the image',
    },
    { command: 'ward image build ./app --output app.tar --no-scan', does: 'writes a file for other tools' },
    {
      command: 'ward image build ./server --base base:13 --entrypoint /fn/server',
      does: 'for a program with its own HTTP server',
    },
  ],
  handler: async () => (await import('../handlers/image-build.ts')).build,
};

const buildBases: CommandSpec = {
  name: 'build',
  summary: 'rebuild Ward’s own images with the current packages',
  works: 'local',
  entry: () => ({ what: 'build-bases', name: 'images' }),
  args: [],
  options: [keyOption],
  examples: [
    { command: 'ward base build', does: 'reuses what has not changed' },
    { command: 'ward base build --sign key.pem', does: 'signs each image, too' },
  ],
  handler: async () => (await import('../handlers/image-build-bases.ts')).build,
};

export const baseGroup: GroupSpec = {
  name: 'base',
  summary: 'Ward’s own images, on which all others are built',
  commands: [buildBases],
};
