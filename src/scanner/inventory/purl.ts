/**
 * Writes and reads package URLs.
 * Source: github.com/package-url/purl-spec, PURL-SPECIFICATION and PURL-TYPES.
 */
import { PackageURL } from 'packageurl-js';
import type { Component, Distribution, Ecosystem } from '../types.ts';
import type { FoundPackage } from './types.ts';

const typeOf: Readonly<Record<Ecosystem, string>> = {
  deb: 'deb',
  apk: 'apk',
  rpm: 'rpm',
  npm: 'npm',
  pypi: 'pypi',
  golang: 'golang',
  maven: 'maven',
  cargo: 'cargo',
  gem: 'gem',
  composer: 'composer',
  conda: 'conda',
  binary: 'generic',
};
const ecosystemOf: ReadonlyMap<string, Ecosystem> = new Map(
  (Object.entries(typeOf) as [Ecosystem, string][]).map(([ecosystem, type]) => [type, ecosystem]),
);
const systems: ReadonlySet<Ecosystem> = new Set(['deb', 'apk', 'rpm']);

/** Whether packages of this ecosystem belong to a distribution. */
export function isOfSystem(ecosystem: Ecosystem): boolean {
  return systems.has(ecosystem);
}

export function purlOf(found: FoundPackage, distribution: Distribution | undefined): string {
  const type = typeOf[found.ecosystem];
  const { namespace, name } = namesOf(found, distribution);
  const { epoch, version } = epochOf(found);
  const qualifiers = qualifiersOf(found, epoch, distribution);
  try {
    return new PackageURL(type, namespace, name, version, qualifiers, undefined).toString();
  } catch {
    // The name or version breaks the rules of its type, but was found nevertheless.
    const path = [namespace, name].flatMap((part) => part?.split('/') ?? []).map(encodeURIComponent);
    return `pkg:${type}/${path.join('/')}@${encodeURIComponent(version)}`;
  }
}

/** The component of a package URL, without places; undefined when the URL is invalid or of an unknown type. */
export function componentOf(text: string): Omit<Component, 'places'> | undefined {
  let purl: PackageURL;
  try {
    purl = PackageURL.fromString(text);
  } catch {
    return undefined;
  }
  const ecosystem = ecosystemOf.get(purl.type ?? '');
  const name = purl.name;
  if (ecosystem === undefined || !name || !purl.version) return undefined;
  if (ecosystem === 'binary' && name !== 'node') return undefined;
  const { epoch, upstream, arch } = purl.qualifiers ?? {};
  const version = epoch === undefined || epoch === '0' ? purl.version : `${epoch}:${purl.version}`;
  return {
    ecosystem,
    name: joinedName(ecosystem, purl.namespace ?? undefined, name),
    version,
    purl: text,
    source: isOfSystem(ecosystem) ? sourceOf(upstream, name, version) : undefined,
    architecture: arch,
  };
}

/** The distribution in a package URL. */
export function distributionOf(text: string): Pick<Distribution, 'id' | 'versionId'> | undefined {
  const value = /[?&]distro=([^&#]+)/.exec(text)?.[1];
  const match = /^([a-z][a-z0-9_.-]*?)-(\d[\w.-]*)$/.exec(value ?? '');
  return match === null ? undefined : { id: match[1] ?? '', versionId: match[2] ?? '' };
}

function namesOf(
  { ecosystem, name }: FoundPackage,
  distribution: Distribution | undefined,
): { readonly namespace: string | undefined; readonly name: string } {
  if (isOfSystem(ecosystem)) return { namespace: distribution?.id, name };
  const split = ecosystem === 'maven' ? name.indexOf(':') : name.lastIndexOf('/');
  return { namespace: split < 0 ? undefined : name.slice(0, split), name: name.slice(split + 1) };
}

function joinedName(ecosystem: Ecosystem, namespace: string | undefined, name: string): string {
  if (namespace === undefined || isOfSystem(ecosystem)) return name;
  return `${namespace}${ecosystem === 'maven' ? ':' : '/'}${name}`;
}

/** For rpm, the epoch is a qualifier. */
function epochOf({ ecosystem, version }: FoundPackage): {
  readonly epoch: string | undefined;
  readonly version: string;
} {
  const match = ecosystem === 'rpm' ? /^(\d+):(.+)$/.exec(version) : null;
  return { epoch: match?.[1], version: match?.[2] ?? version };
}

function qualifiersOf(
  found: FoundPackage,
  epoch: string | undefined,
  distribution: Distribution | undefined,
): Record<string, string> {
  const { source, name, version, architecture, module } = found;
  const isOwnSource = source === undefined || (source.name === name && source.version === version);
  const all = {
    arch: architecture,
    distro:
      isOfSystem(found.ecosystem) && distribution
        ? `${distribution.id}-${distribution.versionId}`
        : undefined,
    epoch,
    rpmmod: module,
    upstream: isOwnSource ? undefined : `${source.name}@${source.version}`,
  };
  return Object.fromEntries(Object.entries(all).flatMap(([key, value]) => (value ? [[key, value]] : [])));
}

/** Reads `upstream=NAME[@VERSION]`, which Syft writes, too. */
function sourceOf(upstream: string | undefined, name: string, version: string): Component['source'] {
  const match = /^([^@]+)(?:@(.+))?$/.exec(upstream ?? '');
  return { name: match?.[1] ?? name, version: match?.[2] ?? version };
}
