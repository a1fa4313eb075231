/** The inputs for reading a package of a manifest, and the values of its inputs and annotations. */
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import type { TellLeftOut } from '../action-source.ts';
import { inputValues } from './input-values.ts';
import { invalid, type Manifest } from './manifest.ts';
import type { ManifestPackage, PackageOverride } from './manifest-schema.ts';
import type { Variables } from './variables.ts';

export interface PackageSource {
  readonly manifest: Manifest;
  /** Its own name; `default` is not a package. */
  readonly packageName: string;
  readonly content: ManifestPackage;
  readonly override: PackageOverride;
  readonly variables: Variables;
  /** Values of --param. */
  readonly typed: JsonObject;
  /** The target namespace, by its real name. */
  readonly namespace: string;
  /** Names of actions and sequences that an API serves. */
  readonly served: ReadonlySet<string>;
  readonly tell?: TellLeftOut | undefined;
}

export function values(
  source: PackageSource,
  place: readonly string[],
  inputs: JsonObject | null | undefined,
  overrides?: JsonObject | null,
): JsonObject {
  const { typed, variables } = source;
  return inputValues({
    place: placeOf(source, place),
    inputs,
    overrides,
    typed,
    variables,
    refuse: (what, where) => invalid(source.manifest.file, what, where),
  });
}

/** A deployment file changes annotations, but adds none. */
export function annotations(
  source: PackageSource,
  place: readonly string[],
  entity: {
    readonly annotations?: JsonObject | null | undefined;
    readonly description?: string | null | undefined;
  },
  overrides?: JsonObject | null,
): JsonObject {
  const own = entity.annotations ?? {};
  const unknown = Object.keys(overrides ?? {}).find((key) => !Object.hasOwn(own, key));
  if (unknown !== undefined)
    throw refuse(
      source,
      place,
      `the deployment file sets the annotation '${unknown}', which the manifest does not have`,
    );
  const merged: Record<string, JsonValue | undefined> = { ...own, ...overrides };
  const resolved = Object.entries(merged).map(([key, value]) => [key, source.variables.value(value ?? null)]);
  return {
    ...(entity.description ? { description: entity.description } : {}),
    ...Object.fromEntries(resolved),
  };
}

export function refuse(source: PackageSource, place: readonly string[], what: string) {
  return invalid(source.manifest.file, what, placeOf(source, place));
}

function placeOf({ packageName }: PackageSource, place: readonly string[]): string {
  return ['packages', packageName, ...place].join('.');
}
