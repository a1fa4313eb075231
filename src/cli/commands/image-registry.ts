/** `ward image list`, `report`, `delete`: what is in the registry of the server, and what its gate says of it. */
import type { CommandSpec } from '../command-spec.ts';

const imageArgument = { name: '<image>', summary: 'NAMESPACE/NAME[:TAG], or NAMESPACE/NAME@DIGEST' };

export const listImagesCommand: CommandSpec = {
  name: 'list',
  summary: 'list the images in the registry, with what the gate says of each',
  works: 'remote',
  args: [],
  options: [{ flags: '-l, --limit <N>', summary: 'at most N (100)' }],
  examples: [{ command: 'ward image list', does: 'those that the key may pull' }],
  handler: async () => (await import('../handlers/image-registry.ts')).list,
};

export const reportCommand: CommandSpec = {
  name: 'report',
  summary: 'show what the gate’s scan found in an image that was pushed, or in code',
  works: 'remote',
  args: [{ name: '<image>', summary: 'NAMESPACE/NAME[:TAG], or the digest of an image or of code' }],
  options: [{ flags: '--sbom', summary: 'what is in it instead, as CycloneDX' }],
  examples: [
    { command: 'ward image report guest/app:1', does: 'as ward image scan shows it' },
    { command: 'ward image report guest/app:1 --sbom', does: 'for other programs' },
  ],
  handler: async () => (await import('../handlers/image-registry.ts')).report,
};

export const deleteImageCommand: CommandSpec = {
  name: 'delete',
  summary: 'delete a tag from the registry, or by its digest an image with all its tags',
  works: 'remote',
  args: [imageArgument],
  options: [],
  examples: [{ command: 'ward image delete guest/app:1', does: 'other tags of the same image stay' }],
  handler: async () => (await import('../handlers/image-registry.ts')).remove,
};
