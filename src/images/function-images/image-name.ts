/** Names of built images: any name that the store can look up, except those of Ward's own images. */
import { basename, resolve } from 'node:path';
import { loadRecipe } from '../base-images/recipe.ts';
import { imageFault } from '../faults.ts';
import { parseReference } from '../reference.ts';

/** The full name, with `latest` if it has no tag. @throws Fault IMAGE_INVALID, IMAGE_NAME_RESERVED */
export function parseImageName(text: string): string {
  const parsed = parseReference(text);
  if (parsed.form !== 'store') {
    throw imageFault('IMAGE_INVALID', `not the name of an image: ${JSON.stringify(text.slice(0, 200))}`, {
      hint: 'Name it as NAME or NAME:TAG, in lower case.',
    });
  }
  if (!reservedNames().has(parsed.name)) return parsed.name;
  // All functions of that kind would run on it.
  throw imageFault('IMAGE_NAME_RESERVED', `${parsed.name} is one of Ward’s own images`, {
    hint: 'Choose another name.',
  });
}

/** The default name for an image of this folder. */
export function nameOfFolder(folder: string): string {
  const plain = basename(resolve(folder))
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 100);
  return `${plain === '' ? 'function' : plain}:latest`;
}

/** The names of Ward's own images, and of the kinds that run on them: `nodejs:24`, `nodejs:default`. */
export function reservedNames(): ReadonlySet<string> {
  return new Set(loadRecipe().images.flatMap(({ name, kind }) => [name, ...(kind?.aliases ?? [])]));
}
