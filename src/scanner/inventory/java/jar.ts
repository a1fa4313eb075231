/**
 * Finds the Maven artifacts in a jar: by each `pom.properties`, else by each `pom.xml`, else by its path, manifest and file
 * name. The caller opens jars inside the jar as files of their own.
 * Source: maven.apache.org, Maven Archiver; JAR File Specification.
 */
import { author } from '../authors.ts';
import { named } from '../text.ts';
import type { FoundPackage, Proof } from '../types.ts';
import { artifactNames } from './names.ts';
import { manifestOf, propertiesOf } from './properties.ts';

const archive = /\.(?:jar|war|ear|par|sar|kar|jpi|hpi)$/i;
const pomProperties = /^META-INF\/maven\/[^/]+\/[^/]+\/pom\.properties$/;
const pomXml = /^META-INF\/maven\/([^/]+)\/([^/]+)\/pom\.xml$/;
const classFolder = /^(?!META-INF\/|BOOT-INF\/|WEB-INF\/)([\w$/]+)\/[^/]+\.class$/;
const manifestName = 'META-INF/MANIFEST.MF';
const nameWithVersion = /^([\w.-]*[^-])-(\d[^\s]*)$/;
const maxTextBytes = 1024 * 1024;
const maxTexts = 10_000;
/** A jar has one for each artifact in it. */
const maxProjects = 200;

/** Collects what a jar states about itself, entry by entry. */
export interface JarReading {
  /** Throws when an entry that describes the jar is too long. */
  entry(name: string, content: Buffer): void;
  /** Called after the last entry. */
  proof(): Proof;
}

export function isJarName(base: string): boolean {
  return archive.test(base);
}

/** @param path of the jar, of which the name and folders identify it */
export function openJar(path: string): JarReading {
  const poms: string[] = [];
  const projects = new Map<string, string>();
  const folders = new Set<string>();
  let manifest = '';
  let hasCode = false;
  return {
    entry: (name, content) => {
      hasCode ||= name.endsWith('.class');
      const folder = classFolder.exec(name)?.[1];
      if (folder !== undefined && folders.size < maxTexts) folders.add(folder);
      const isPom = pomProperties.test(name);
      const isProject = pomXml.test(name);
      if (!isPom && !isProject && name !== manifestName) return;
      if (content.length > maxTextBytes) throw new Error(`${name.slice(0, 200)} is too long`);
      if (name === manifestName) manifest = content.toString('utf8');
      else if (isProject && projects.size < maxProjects) projects.set(name, content.toString('utf8'));
      else if (isPom && poms.length < maxTexts) poms.push(content.toString('utf8'));
      else throw new Error('it has more texts about artifacts than are read');
    },
    proof: () => {
      const stated = statedIn(manifestOf(manifest));
      const packages = poms.flatMap((text) => fromPom(text) ?? []);
      if (packages.length > 0) return withStatements({ packages }, stated);
      const version = nameWithVersion.exec(path.slice(path.lastIndexOf('/') + 1).replace(archive, ''))?.[2];
      const named = [...projects].flatMap(([name, text]) => fromPomXml(name, text, version) ?? []);
      if (named.length > 0) return withStatements({ packages: named }, stated);
      const proof = withStatements(byName(manifestOf(manifest), path, folders), stated);
      // A jar without code, such as a translation, has no vulnerabilities.
      return hasCode ? proof : { ...proof, gaps: [] };
    },
  };
}

type Statements = Pick<FoundPackage, 'supplier' | 'licences'>;

/**
 * The licence is an id or a URL, and may have attributes. Several are left out, since the manifest does not say which one
 * counts.
 */
function statedIn(manifest: ReadonlyMap<string, string>): Statements {
  const licence = named(manifest.get('Bundle-License')?.split(';')[0]);
  return {
    supplier: author(named(manifest.get('Implementation-Vendor') ?? manifest.get('Bundle-Vendor'))),
    licences: licence === undefined || licence.includes(',') ? undefined : [licence],
  };
}

/** The manifest describes only the artifact that the jar was made for. */
function withStatements(proof: Proof, stated: Statements): Proof {
  const [only, ...others] = proof.packages ?? [];
  return only === undefined || others.length > 0 ? proof : { ...proof, packages: [{ ...only, ...stated }] };
}

function fromPom(text: string): FoundPackage | undefined {
  const values = propertiesOf(text);
  const group = named(values.get('groupId'));
  const artifact = named(values.get('artifactId'));
  const version = named(values.get('version'));
  if (group === undefined || artifact === undefined || version === undefined) return undefined;
  return { ecosystem: 'maven', name: `${group}:${artifact}`, version };
}

/** A jar without a version, or without an artifact's name, is the user's own and not a package. */
function byName(manifest: ReadonlyMap<string, string>, path: string, folders: ReadonlySet<string>): Proof {
  const base = path.slice(path.lastIndexOf('/') + 1).replace(archive, '');
  const fromFile = nameWithVersion.exec(base);
  const version = named(
    fromFile?.[2] ?? manifest.get('Implementation-Version') ?? manifest.get('Bundle-Version'),
  );
  const artifact = named(fromFile?.[1] ?? manifest.get('Implementation-Title') ?? base);
  if (version === undefined || artifact === undefined || /\s/.test(artifact)) return {};
  const hints = fromFile === null ? [] : folders;
  const { names, isGuessed } = artifactNames({ path, artifact, version }, manifest, hints);
  const [name, ...others] = names;
  if (name !== undefined)
    return { packages: [{ ecosystem: 'maven', name, version, ...(isGuessed && { otherNames: others }) }] };
  if (fromFile === null) return {};
  return {
    gaps: [
      `${base.slice(0, 100)} does not say its Maven group, so advisories can't be looked up; add a pom.properties`,
    ],
  };
}

/** Uses `<version>` of the project, else of its parent. A version with a variable is ignored. */
function fromPomXml(name: string, text: string, version: string | undefined): FoundPackage | undefined {
  const [, group, artifact] = pomXml.exec(name) ?? [];
  const outer = text.replaceAll(
    /<(dependencies|dependencyManagement|build|profiles|reporting)\b[\s\S]*?<\/\1>/g,
    '',
  );
  const own = outer.replace(/<parent\b[\s\S]*?<\/parent>/, '');
  const stated = [own, outer].map((part) => /<version>\s*([^<\s]{1,200})\s*<\/version>/.exec(part)?.[1]);
  const found = named(stated.find((each) => each !== undefined && !each.includes('${')) ?? version);
  if (named(group) === undefined || named(artifact) === undefined || found === undefined) return undefined;
  return { ecosystem: 'maven', name: `${group}:${artifact}`, version: found };
}
