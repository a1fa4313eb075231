/**
 * Maven artifacts in jars, and in jars within jars: by each `pom.properties`, else by the manifest and the file's name.
 * Source: maven.apache.org, Maven Archiver; JAR File Specification.
 */
import { giveBackAround, messageOf } from '../../../lib/index.ts';
import { zipEntries } from '../../archives/zip-entries.ts';
import { named } from '../text.ts';
import type { Cataloger, FoundPackage, Proof } from '../types.ts';
import { knownGroup } from './groups.ts';
import { manifestOf, propertiesOf } from './properties.ts';

const archive = /\.(?:jar|war|ear|par|sar|kar|jpi|hpi)$/i;
const pomProperties = /^META-INF\/maven\/[^/]+\/[^/]+\/pom\.properties$/;
const nameWithVersion = /^([\w.-]*[^-])-(\d[^\s]*)$/;
const maxTextBytes = 1024 * 1024;
const maxDepth = 4;
/** Of all jars within one, taken together. */
const maxNestedBytes = 512 * 1024 * 1024;
const longestNested = 64 * 1024 * 1024;

interface Walk {
  readonly packages: FoundPackage[];
  readonly gaps: string[];
  nestedBytes: number;
}

export const jarCataloger: Cataloger = {
  name: 'jar',
  revision: 1,
  wants: (_file, base) => archive.test(base),
  read: async ({ path, content }): Promise<Proof> => {
    const walk: Walk = { packages: [], gaps: [], nestedBytes: 0 };
    await readJar(walk, content, path, []);
    return { packages: walk.packages, gaps: walk.gaps.slice(0, 5) };
  },
};

async function readJar(walk: Walk, bytes: Buffer, path: string, within: readonly string[]): Promise<void> {
  const texts: { pom: string[]; manifest: string | undefined } = { pom: [], manifest: undefined };
  for await (const entry of zipEntries(bytes)) {
    if (pomProperties.test(entry.name)) texts.pom.push((await entry.read(maxTextBytes)).toString('utf8'));
    else if (entry.name === 'META-INF/MANIFEST.MF')
      texts.manifest = (await entry.read(maxTextBytes)).toString('utf8');
    else if (archive.test(entry.name)) {
      await readNested(walk, bytes, entry, [...within, entry.name]);
    }
  }
  const inside = within.length === 0 ? undefined : within.join('!/');
  const found = texts.pom.flatMap((text) => fromPom(text) ?? []);
  if (found.length > 0) walk.packages.push(...found.map((each) => ({ ...each, within: inside })));
  else addNamed(walk, manifestOf(texts.manifest ?? ''), within.at(-1) ?? path, inside);
}

async function readNested(
  walk: Walk,
  outer: Buffer,
  entry: { readonly name: string; readonly sizeBytes: number; read(maxBytes: number): Promise<Buffer> },
  within: readonly string[],
): Promise<void> {
  try {
    walk.nestedBytes += entry.sizeBytes;
    if (within.length > maxDepth) throw new Error('it lies in too many others');
    if (walk.nestedBytes > maxNestedBytes) throw new Error('it is too large, with those before it');
    const bytes = await entry.read(longestNested);
    try {
      await readJar(walk, bytes, entry.name, within);
    } finally {
      // Unless it lies in the outer one as it is, its memory is its own, and large.
      if (bytes.buffer !== outer.buffer) giveBackAround(bytes);
    }
  } catch (error) {
    walk.gaps.push(`${within.join('!/').slice(0, 200)}: ${messageOf(error)}`);
  }
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
function addNamed(
  walk: Walk,
  manifest: ReadonlyMap<string, string>,
  path: string,
  within: string | undefined,
): void {
  const base = path.slice(path.lastIndexOf('/') + 1).replace(archive, '');
  const fromFile = nameWithVersion.exec(base);
  const version = named(
    fromFile?.[2] ?? manifest.get('Implementation-Version') ?? manifest.get('Bundle-Version'),
  );
  const artifact = named(fromFile?.[1] ?? manifest.get('Implementation-Title') ?? base);
  if (version === undefined || artifact === undefined || /\s/.test(artifact)) return;
  const group = groupOf(manifest, artifact);
  if (group !== undefined) {
    walk.packages.push({ ecosystem: 'maven', name: `${group}:${artifact}`, version, within });
  } else if (fromFile !== null) {
    walk.gaps.push(`${base.slice(0, 100)} does not say its Maven group, so advisories can't be looked up`);
  }
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
