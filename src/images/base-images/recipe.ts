/**
 * The recipes of Ward's own images, from `policies/images/runtime-images.yaml`: the packages of each layer, the
 * layers of each image, and the runtime kinds of the images.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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
  /** Further packages, present during the build and not in the layer. */
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

const npmModule = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/),
  version: z.string(),
  integrity: z.string().startsWith('sha512-'),
});

/** A package that functions can load without including it. */
export type NpmModule = z.infer<typeof npmModule> & {
  /** Its path below the root: `node_modules/needle/node_modules/sax`. */
  readonly path: string;
};

const lockedPath = /^(?:node_modules\/(?:@[a-z0-9-]+\/)?[a-z0-9][a-z0-9.-]*(?:\/(?=n)|$))+$/;
/** The part of npm's lock file that says what to fetch. */
const npmLock = z.object({
  lockfileVersion: z.literal(3),
  packages: z.record(
    z.union([z.literal(''), z.string().regex(lockedPath)]),
    z.object({ version: z.string().optional(), integrity: z.string().startsWith('sha512-').optional() }),
  ),
});

const javaSource = z.strictObject({
  /** The path of the packages' own Java. */
  from: path,
  /** The path of the image's Java. */
  home: path,
  modules: names.min(1),
  /** A class that makes the runner load the classes that it will need. */
  rehearsal: z.string(),
});
export type JavaSource = z.infer<typeof javaSource>;

const layer = z.strictObject({
  debian: debianSource.optional(),
  npm: npmSource.optional(),
  modules: z.array(npmModule).default([]),
  /** A folder beside the recipes whose lock file pins the modules. */
  lock: z
    .string()
    .regex(/^[a-z0-9-]+$/)
    .optional(),
  runner: z.string().optional(),
  drop: paths.default([]),
  bundles: z.record(path, path).default({}),
  folders: paths.default([]),
  links: z.record(path, z.string()).default({}),
  files: z.record(path, z.string()).default({}),
  bytecode: z.strictObject({ python: path, folder: path }).optional(),
  java: javaSource.optional(),
});
export type LayerRecipe = Omit<z.infer<typeof layer>, 'modules' | 'lock'> & {
  readonly modules: readonly NpmModule[];
};

const kind = z.strictObject({
  family: z.string(),
  default: z.boolean().default(false),
  deprecated: z.boolean().default(false),
  requireMain: z.boolean().default(false),
  aliases: names.default([]),
});

const image = z.strictObject({
  name: z.string().regex(/^[a-z0-9]+:[a-z0-9.-]+$/),
  title: z.string(),
  layers: names,
  /** Paths that it may contain although the recipe forbids them. */
  allow: paths.default([]),
  /** Environment variables in addition to those of every image. */
  env: names.default([]),
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
export type Recipe = Omit<z.infer<typeof recipe>, 'layers'> & {
  readonly layers: Readonly<Record<string, LayerRecipe>>;
};

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

const recipesDir = fileURLToPath(new URL('../../../policies/images', import.meta.url));

/** @throws Fault RECIPE_INVALID */
export function loadRecipe(): Recipe {
  const { layers, ...rest } = parseRecipe('runtime-images.yaml', recipe, parse);
  const complete = Object.entries(layers).map(([name, each]) => [name, withModules(each)] as const);
  return { ...rest, layers: Object.fromEntries(complete) };
}

function withModules({ lock, ...rest }: z.infer<typeof layer>): LayerRecipe {
  const named = rest.modules.map((module) => ({ ...module, path: `node_modules/${module.name}` }));
  return { ...rest, modules: lock === undefined ? named : [...named, ...lockedModules(lock)] };
}

function lockedModules(folder: string): NpmModule[] {
  const file = `${folder}/package-lock.json`;
  const { packages } = parseRecipe(file, npmLock, JSON.parse);
  return Object.entries(packages).flatMap(([modulePath, { version, integrity }]) => {
    if (modulePath === '') return [];
    if (version === undefined || integrity === undefined)
      throw imageFault('RECIPE_INVALID', `${join(recipesDir, file)}: ${modulePath} is not pinned`);
    const name = modulePath.slice(modulePath.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return [{ name, version, integrity, path: modulePath }];
  });
}

function parseRecipe<T>(file: string, schema: z.ZodType<T>, parseText: (text: string) => unknown): T {
  const result = schema.safeParse(parseText(readFileSync(join(recipesDir, file), 'utf8')));
  if (result.success) return result.data;
  throw imageFault('RECIPE_INVALID', `${join(recipesDir, file)}: ${z.prettifyError(result.error)}`);
}

/** The names of Ward's own images. */
export function ownImageNames(): ReadonlySet<string> {
  return new Set(loadRecipe().images.map(({ name }) => name));
}

/** The names of Ward's own images with a shell. */
export function imagesWithShell(): readonly string[] {
  return loadRecipe().images.flatMap(({ name, allow }) => (allow.includes('usr/bin/sh') ? [name] : []));
}

/** Read once: it takes a tenth of a server's start, and no process changes its kinds while it runs. */
let kinds: readonly RuntimeKind[] | undefined;

/** Every kind of function that Ward's own images can run. */
export function runtimeKinds(): readonly RuntimeKind[] {
  kinds ??= loadRecipe().images.flatMap(({ name, kind: described }) =>
    described === undefined ? [] : [{ ...described, kind: name, image: name }],
  );
  return kinds;
}
