/**
 * Maven artifacts in a jar: by each `pom.properties`, else by the manifest and the file's name. Jars within it are files
 * of their own to who goes through it.
 * Source: maven.apache.org, Maven Archiver; JAR File Specification.
 */
import { named } from '../text.ts';
import type { FoundPackage, Proof } from '../types.ts';
import { knownGroup } from './groups.ts';
import { manifestOf, propertiesOf } from './properties.ts';

const archive = /\.(?:jar|war|ear|par|sar|kar|jpi|hpi)$/i;
const pomProperties = /^META-INF\/maven\/[^/]+\/[^/]+\/pom\.properties$/;
const manifestName = 'META-INF/MANIFEST.MF';
const nameWithVersion = /^([\w.-]*[^-])-(\d[^\s]*)$/;
const maxTextBytes = 1024 * 1024;
const maxTexts = 10_000;

/** What a jar says of itself, as its entries pass by. */
export interface JarReading {
  /** Throws when it is a text about the jar, and too long. */
  entry(name: string, content: Buffer): void;
  /** After the last. */
  proof(): Proof;
}

export function isJarName(base: string): boolean {
  return archive.test(base);
}

/** @param path of the jar, as far as its name tells what it is */
export function openJar(path: string): JarReading {
  const poms: string[] = [];
  let manifest = '';
  return {
    entry: (name, content) => {
      const isPom = pomProperties.test(name);
      if (!isPom && name !== manifestName) return;
      if (content.length > maxTextBytes) throw new Error(`${name.slice(0, 200)} is too long`);
      if (!isPom) manifest = content.toString('utf8');
      else if (poms.length < maxTexts) poms.push(content.toString('utf8'));
      else throw new Error(`it has more than ${maxTexts} pom.properties`);
    },
    proof: () => {
      const packages = poms.flatMap((text) => fromPom(text) ?? []);
      return packages.length > 0 ? { packages } : byName(manifestOf(manifest), path);
    },
  };
}

function fromPom(text: string): FoundPackage | undefined {
  const values = propertiesOf(text);
  const group = named(values.get('groupId'));
  const artifact = named(values.get('artifactId'));
  const version = named(values.get('version'));
  if (group === undefined || artifact === undefined || version === undefined) return undefined;
  return { ecosystem: 'maven', name: `${group}:${artifact}`, version };
}

/** A jar that says neither a version in its name nor one of an artifact is somebody's own, and no package. */
function byName(manifest: ReadonlyMap<string, string>, path: string): Proof {
  const base = path.slice(path.lastIndexOf('/') + 1).replace(archive, '');
  const fromFile = nameWithVersion.exec(base);
  const version = named(
    fromFile?.[2] ?? manifest.get('Implementation-Version') ?? manifest.get('Bundle-Version'),
  );
  const artifact = named(fromFile?.[1] ?? manifest.get('Implementation-Title') ?? base);
  if (version === undefined || artifact === undefined || /\s/.test(artifact)) return {};
  const group = groupOf(manifest, artifact);
  if (group !== undefined)
    return { packages: [{ ecosystem: 'maven', name: `${group}:${artifact}`, version }] };
  if (fromFile === null) return {};
  return {
    gaps: [`${base.slice(0, 100)} does not say its Maven group, so advisories can't be looked up`],
  };
}

function groupOf(manifest: ReadonlyMap<string, string>, artifact: string): string | undefined {
  const known = knownGroup(artifact);
  if (known !== undefined) return known;
  const vendor = named(manifest.get('Implementation-Vendor-Id'));
  if (vendor !== undefined && /^[\w-]+(?:\.[\w-]+)+$/.test(vendor)) return vendor;
  // `org.apache.commons.text`, or `com.google.guava.failureaccess;singleton:=true`: often the group and the artifact.
  const bundle = (manifest.get('Bundle-SymbolicName') ?? manifest.get('Automatic-Module-Name') ?? '').split(
    ';',
  )[0];
  if (bundle === undefined || !/^[\w-]+(?:\.[\w-]+)+$/.test(bundle)) return undefined;
  const rest = bundle.slice(0, -artifact.length - 1);
  return bundle.endsWith(`.${artifact}`) && rest.includes('.') ? rest : bundle;
}
