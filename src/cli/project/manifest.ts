/** The manifest of wskdeploy and its deployment file, read into one form from all their notations. */
import { basename } from 'node:path';
import type { z } from 'zod';
import { type Fault, isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { cliFault } from '../faults.ts';
import { parsePlainYaml } from '../plain-yaml.ts';
import { readBounded } from '../read-source.ts';
import {
  deploymentSchema,
  locationKeys,
  type ManifestPackage,
  manifestSchema,
  type PackageOverride,
} from './manifest-schema.ts';

const maxManifestBytes = 4 * 1024 * 1024;

export interface Manifest {
  readonly file: string;
  /** Its text, to tell versions apart. */
  readonly text: string;
  readonly projectName: string | undefined;
  /** Variables with their defaults. */
  readonly projectInputs: JsonObject;
  /** A document of an API, relative to the manifest. */
  readonly apiDocument: string | undefined;
  readonly packages: Readonly<Record<string, ManifestPackage>>;
  /** Keys that name a target; they are ignored. */
  readonly ignored: readonly string[];
}

/** @throws Fault MANIFEST_INVALID, SOURCE_UNREADABLE */
export async function readManifest(file: string): Promise<Manifest> {
  const { text, value: content } = await readYaml(file);
  const value = runtimeManifestOf(content) ?? content;
  const { project, packages, package: single } = check(manifestSchema, value, file);
  const found = [
    project?.packages,
    packages,
    single?.name === undefined ? undefined : { [single.name]: withoutName(single) },
  ];
  const given = found.filter((each) => each !== undefined && each !== null);
  if (given.length !== 1)
    throw invalid(
      file,
      'it needs packages in exactly one place: below project, at the top, or as a single package',
    );
  return {
    file,
    text,
    projectName: project?.name ?? undefined,
    projectInputs: project?.inputs ?? {},
    apiDocument: project?.config ?? undefined,
    packages: Object.fromEntries(
      Object.entries(given[0] ?? {}).map(([name, content]) => [name, content ?? {}]),
    ),
    ignored: locationPlaces(value),
  };
}

/**
 * What a deployment file overrides in the packages of a manifest, by name. @throws Fault MANIFEST_INVALID,
 * SOURCE_UNREADABLE
 */
export async function readDeployment(file: string): Promise<Readonly<Record<string, PackageOverride>>> {
  const { value } = await readYaml(file);
  const { project, application, packages } = check(deploymentSchema, value, file);
  const [content] = [project?.packages, application?.packages, packages].filter((each) => each);
  return Object.fromEntries(Object.entries(content ?? {}).map(([name, each]) => [name, each ?? {}]));
}

/** @param where the place in the file: `packages.shop.actions.list` */
export function invalid(file: string, what: string, where?: string): Fault {
  return cliFault(
    'MANIFEST_INVALID',
    `${basename(file)}: ${where === undefined ? '' : `${where}: `}${what}`,
    {
      hint: 'docs/reference/cli.md lists the keys of a manifest',
    },
  );
}

async function readYaml(file: string): Promise<{ readonly text: string; readonly value: JsonValue }> {
  const text = (await readBounded(file, maxManifestBytes)).toString('utf8');
  return { text, value: parsePlainYaml(text, (what) => invalid(file, what)) };
}

/** The runtime part of Adobe App Builder's `app.config.yaml` and `ext.config.yaml`; the rest is for Adobe's tools. */
function runtimeManifestOf(value: JsonValue): JsonValue | undefined {
  if (!isJsonObject(value)) return undefined;
  const { application } = value;
  return isJsonObject(application) ? application['runtimeManifest'] : value['runtimeManifest'];
}

function check<Schema extends z.ZodType>(schema: Schema, value: JsonValue, file: string): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  throw invalid(
    file,
    first === undefined ? 'it is not a manifest' : describe(first),
    first?.path.join('.') || undefined,
  );
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys')
    return `no such key: ${issue.keys.map((key) => `'${key}'`).join(', ')}`;
  return issue.message;
}

function withoutName({ name: _, ...content }: ManifestPackage & { readonly name: string }): ManifestPackage {
  return content;
}

/** The places of such keys: `project.apiHost`. */
function locationPlaces(value: JsonValue, path: readonly string[] = []): string[] {
  if (typeof value !== 'object' || value === null || path.length > 4) return [];
  return Object.entries(value).flatMap(([key, part]) => {
    const place = [...path, key];
    if (Object.hasOwn(locationKeys, key) && path.at(-1) !== 'inputs') return [place.join('.')];
    return ['inputs', 'annotations'].includes(key) ? [] : locationPlaces(part ?? null, place);
  });
}
