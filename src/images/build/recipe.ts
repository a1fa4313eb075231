/**
 * The recipes of Ward's own images, read from `policies/images/runtime-images.yaml`: which packages make a
 * layer, which layers make an image, and which runtime kinds the images serve.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { imageFault } from '../faults.ts';

const names = z.array(z.string().min(1));
/** Relative, normal, without `..`: it is joined to a root file system. */
const path = z.string().regex(/^(?!\/)(?!.*(?:^|\/)\.{1,2}(?:\/|$)).+$/, 'not a path inside an image');
const paths = z.array(path);

const debianSource = z.strictObject({
  packages: names,
  /** Further packages that are there while the layer is made, and not in it. */
  tools: names.default([]),
  omit: names.default([]),
  keep: z.record(z.string(), paths).default({}),
  below: z.string().optional(),
});
export type DebianSource = z.infer<typeof debianSource>;

const npmSource = z.strictObject({
  version: z.string(),
  integrity: z.record(z.string(), z.string().startsWith('sha512-')),
  files: z.record(path, path),
});
export type NpmSource = z.infer<typeof npmSource>;

/** Packages that functions may load without bringing them along. */
const npmModule = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/),
  version: z.string(),
  integrity: z.string().startsWith('sha512-'),
});
export type NpmModule = z.infer<typeof npmModule>;

const javaSource = z.strictObject({
  /** Where the packages' own Java lies. */
  from: path,
  /** Where the image's shall lie. */
  home: path,
  modules: names.min(1),
  /** A class that makes the runner load what it will need. */
  rehearsal: z.string(),
});
export type JavaSource = z.infer<typeof javaSource>;

const layer = z.strictObject({
  debian: debianSource.optional(),
  npm: npmSource.optional(),
  modules: z.array(npmModule).default([]),
  runner: z.string().optional(),
  drop: paths.default([]),
  bundles: z.record(path, path).default({}),
  folders: paths.default([]),
  links: z.record(path, z.string()).default({}),
  files: z.record(path, z.string()).default({}),
  bytecode: z.strictObject({ python: path, folder: path }).optional(),
  java: javaSource.optional(),
});
export type LayerRecipe = z.infer<typeof layer>;

const kind = z.strictObject({
  family: z.string(),
  default: z.boolean().default(false),
  deprecated: z.boolean().default(false),
  requireMain: z.boolean().default(false),
  aliases: names.default([]),
});

const image = z.strictObject({
  name: z.string().regex(/^[a-z0-9]+:[a-z0-9.]+$/),
  title: z.string(),
  layers: names,
  /** What it may hold although the recipe forbids it. */
  allow: paths.default([]),
  kind: kind.optional(),
});
export type ImageRecipe = z.infer<typeof image>;

const recipe = z.strictObject({
  debian: z.strictObject({ origins: names, suites: names }),
  drop: paths,
  forbidden: paths,
  required: paths,
  layers: z.record(z.string(), layer),
  images: z.array(image),
  env: names,
});
export type Recipe = z.infer<typeof recipe>;

export interface RuntimeKind {
  /** `nodejs` */
  readonly family: string;
  /** `nodejs:24` */
  readonly kind: string;
  /** The name of its image in the store. */
  readonly image: string;
  readonly default: boolean;
  readonly deprecated: boolean;
  /** Whether an action must name its entry function. */
  readonly requireMain: boolean;
  /** Other names for it: `nodejs:default`. */
  readonly aliases: readonly string[];
}

const recipeFile = fileURLToPath(new URL('../../../policies/images/runtime-images.yaml', import.meta.url));

/** @throws Fault RECIPE_INVALID */
export function loadRecipe(): Recipe {
  const result = recipe.safeParse(parse(recipeText()));
  if (result.success) return result.data;
  throw imageFault('RECIPE_INVALID', `${recipeFile}: ${z.prettifyError(result.error)}`);
}

/** The recipe as it stands in the file, for telling whether it changed. */
export function recipeText(): string {
  return readFileSync(recipeFile, 'utf8');
}

/** What Ward's own images are called. */
export function ownImageNames(): ReadonlySet<string> {
  return new Set(loadRecipe().images.map(({ name }) => name));
}

/** Those of Ward's own images that have a shell. */
export function imagesWithShell(): readonly string[] {
  return loadRecipe().images.flatMap(({ name, allow }) => (allow.includes('usr/bin/sh') ? [name] : []));
}

/** Every kind of function that Ward's own images can run. */
export function runtimeKinds(): readonly RuntimeKind[] {
  return loadRecipe().images.flatMap(({ name, kind: described }) =>
    described === undefined ? [] : [{ ...described, kind: name, image: name }],
  );
}
