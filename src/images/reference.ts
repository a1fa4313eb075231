/**
 * Parses the three forms of an image's name: `nodejs:24` (in Ward's store), `oci:DIR[:TAG]` (an image layout,
 * split as skopeo does, at the first colon after the folder) and `rootfs:DIR` (a folder that is a root file system).
 */
import { resolve } from 'node:path';
import { imageFault } from './faults.ts';

export type ImageReference =
  | { readonly form: 'store'; readonly name: string }
  | { readonly form: 'layout'; readonly dir: string; readonly tag: string | undefined }
  | { readonly form: 'folder'; readonly dir: string };

/** Relative folders are below the working directory. @throws Fault IMAGE_INVALID */
export function parseReference(text: string): ImageReference {
  const folder = /^rootfs:(.+)$/s.exec(text)?.[1];
  if (folder !== undefined) return { form: 'folder', dir: resolve(folder) };
  const layout = /^oci:([^:]+)(?::(.+))?$/s.exec(text);
  if (layout?.[1] !== undefined) return { form: 'layout', dir: resolve(layout[1]), tag: layout[2] };
  if (/^[a-z0-9][a-z0-9._/-]*(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$/.test(text) && text.length <= 255) {
    return { form: 'store', name: text.includes(':') ? text : `${text}:latest` };
  }
  throw imageFault('IMAGE_INVALID', `not the name of an image: ${JSON.stringify(text.slice(0, 200))}`, {
    hint: 'Name it as NAME:TAG, oci:DIR[:TAG] or rootfs:DIR.',
  });
}
