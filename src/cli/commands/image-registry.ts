/** `ward image list`, `report`, `delete`: what is in the registry and the store, and what the gate says of it. */
import type { CommandSpec } from '../command-spec.ts';
import { reportOptions } from './common-options.ts';

const imageArgument = {
  name: '<image>',
  summary:
    'NAMESPACE/NAME[:TAG] or NAMESPACE/NAME@DIGEST in the registry, NAME[:TAG] in the store of this machine',
};

export const listImagesCommand: CommandSpec = {
  name: 'list',
  summary: 'list the images in the registry, with what the gate says of each',
  works: 'remote',
  args: [],
  options: [
    { flags: '-l, --limit <N>', summary: 'at most N (100)' },
    { flags: '--store', summary: 'those in Ward’s own store on this machine instead, and who uses them' },
  ],
  examples: [
    { command: 'ward image list', does: 'those that the key may pull' },
    { command: 'ward image list --store', does: 'what ward image build has made' },
  ],
  handler: async () => (await import('../handlers/image-registry.ts')).list,
};

export const reportCommand: CommandSpec = {
  name: 'report',
  summary: 'show what the gate’s scan found in an image that was pushed, or in code',
  works: 'remote',
  args: [{ name: '<image>', summary: 'NAMESPACE/NAME[:TAG], or the digest of an image or of code' }],
  options: [{ flags: '--sbom', summary: 'what is in it instead, as CycloneDX' }, ...reportOptions],
  examples: [
    { command: 'ward image report guest/app:1', does: 'as ward image scan shows it' },
    { command: 'ward image report guest/app:1 --sbom', does: 'for other programs' },
    {
      command: 'ward image report guest/app:1 --format sarif --output report.sarif',
      does: 'in a format of ward image scan; exits with 0, even if the gate denies the image',
    },
  ],
  handler: async () => (await import('../handlers/image-registry.ts')).report,
};

export const deleteImageCommand: CommandSpec = {
  name: 'delete',
  summary:
    'delete a tag from the registry, by its digest an image with all its tags, or an image of the store',
  works: 'remote',
  args: [imageArgument],
  options: [{ flags: '--force', summary: 'from the store although actions name it' }],
  examples: [
    { command: 'ward image delete guest/app:1', does: 'other tags of the same image stay' },
    { command: 'ward image delete app', does: 'from the store, with what no other image there has' },
  ],
  handler: async () => (await import('../handlers/image-registry.ts')).remove,
};
