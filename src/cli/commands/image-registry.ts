/** `ward image list`, `report`, `delete`: images in the registry and the store, with the gate's verdicts. */
import type { CommandSpec } from '../command-spec.ts';
import { reportOptions } from './common-options.ts';

const imageArgument = {
  name: '<image>',
  summary:
    'NAMESPACE/NAME[:TAG] or NAMESPACE/NAME@DIGEST in the registry, NAME[:TAG] in the store of this machine',
};

export const listImagesCommand: CommandSpec = {
  name: 'list',
  summary: 'list the images in the registry, with the gate’s verdict on each',
  works: 'remote',
  args: [],
  options: [
    { flags: '-l, --limit <N>', summary: 'list at most N (100)' },
    { flags: '--store', summary: 'list images in Ward’s store on this machine instead, and their users' },
  ],
  examples: [
    { command: 'ward image list', does: 'the images that the key can pull' },
    { command: 'ward image list --store', does: 'the images of Ward’s store on this machine' },
  ],
  handler: async () => (await import('../handlers/image-registry.ts')).list,
};

export const reportCommand: CommandSpec = {
  name: 'report',
  summary: 'show what the gate’s scan found in a pushed image, or in code',
  works: 'remote',
  args: [{ name: '<image>', summary: 'NAMESPACE/NAME[:TAG], or the digest of an image or of code' }],
  options: [
    { flags: '--sbom', summary: 'show the content of the image as CycloneDX instead' },
    ...reportOptions,
  ],
  examples: [
    { command: 'ward image report guest/app:1', does: 'in the same form as ward image scan' },
    { command: 'ward image report guest/app:1 --sbom', does: 'as CycloneDX, for other programs' },
    {
      command: 'ward image report guest/app:1 --format sarif --output report.sarif',
      does: 'in a format of ward image scan; exits with 0 even if the gate denies the image',
    },
  ],
  handler: async () => (await import('../handlers/image-registry.ts')).report,
};

export const deleteImageCommand: CommandSpec = {
  name: 'delete',
  summary:
    'delete a tag from the registry, an image with all its tags (by its digest), or an image from the store',
  works: 'remote',
  args: [imageArgument],
  options: [{ flags: '--force', summary: 'delete an image from the store even if actions name it' }],
  examples: [
    { command: 'ward image delete guest/app:1', does: 'other tags of the same image stay' },
    {
      command: 'ward image delete app',
      does: 'deletes the image from the store, with the layers that no other image there uses',
    },
  ],
  handler: async () => (await import('../handlers/image-registry.ts')).remove,
};
