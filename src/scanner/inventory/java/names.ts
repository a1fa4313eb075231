/**
 * Finds the possible Maven names of a jar without `pom.properties`. In Maven's repositories and Gradle's cache the path
 * states the name. The manifest and the packages of the classes only hint at it; then all possible names are looked up.
 * Source: maven.apache.org, "Repository Layout"; JAR File Specification; OSGi Core, 3.2.1.
 */
import { named } from '../text.ts';
import { knownGroup } from './groups.ts';

/** Best first; empty when nothing hints at a name. */
interface ArtifactNames {
  /** `group:artifact`. */
  readonly names: readonly string[];
  /** Nothing states the name. */
  readonly isGuessed: boolean;
}

const dotted = /^[\w-]+(?:\.[\w-]+)+$/;
const maxNames = 16;
/** Usual names of the root folder of a repository. */
const repository =
  /(?:^|\/)(?:\.m2\/repository|maven-repo|repository|maven2)\/(.+)\/([^/]+)\/([^/]+)\/[^/]+$/;
const gradleCache = /(?:^|\/)files-2\.1\/([^/]+)\/([^/]+)\/([^/]+)\/[0-9a-f]{30,40}\/[^/]+$/;

interface Artifact {
  readonly path: string;
  /** From the file name or the manifest. */
  readonly artifact: string;
  readonly version: string;
}

/** @param folders folders of its classes: `org/apache/zookeeper/server` */
export function artifactNames(
  { path, artifact, version }: Artifact,
  manifest: ReadonlyMap<string, string>,
  folders: Iterable<string>,
): ArtifactNames {
  const laid = layout(path, version);
  if (laid !== undefined) return { names: [laid], isGuessed: false };
  const groups = [...groupsOf(artifact, manifest), ...groupsByClasses(folders)];
  if (groups.length === 0) return { names: [], isGuessed: true };
  const artifacts = [artifact, ...otherArtifacts(artifact, version, manifest)];
  const names = artifacts.flatMap((each) => [...groups, each].map((group) => `${group}:${each}`));
  return { names: [...new Set(names)].slice(0, maxNames), isGuessed: true };
}

/** Trusts the path only if a folder matches the version, since any folder may be called `repository`. */
function layout(path: string, version: string): string | undefined {
  const gradle = gradleCache.exec(path);
  if (gradle?.[3] === version) return `${gradle[1]}:${gradle[2]}`;
  const [, group = '', artifact, folder] = repository.exec(path) ?? [];
  return artifact !== undefined && folder === version
    ? `${group.replaceAll('/', '.')}:${artifact}`
    : undefined;
}

function groupsOf(artifact: string, manifest: ReadonlyMap<string, string>): string[] {
  const known = knownGroup(artifact);
  const vendor = named(manifest.get('Implementation-Vendor-Id'));
  const found = known === undefined ? [] : [...known];
  if (vendor !== undefined && dotted.test(vendor)) found.push(vendor);
  for (const key of ['Bundle-SymbolicName', 'Automatic-Module-Name']) {
    // `org.apache.commons.text` or `com.google.guava.failureaccess;singleton:=true` often contain group and artifact.
    const bundle = manifest.get(key)?.split(';')[0] ?? '';
    if (!dotted.test(bundle)) continue;
    const rest = bundle.slice(0, -artifact.length - 1);
    const above = bundle.slice(0, bundle.lastIndexOf('.'));
    if (bundle.endsWith(`.${artifact}`) && rest.includes('.')) found.push(rest, bundle);
    else found.push(bundle, ...(above.includes('.') ? [above] : []));
  }
  return found;
}

/** Takes the common start of all class folders, else of most, and its parents: `org/apache/zookeeper/server/…`. */
function groupsByClasses(folders: Iterable<string>): string[] {
  const all = [...folders].map((folder) => folder.split('/'));
  const whole = commonStart(all);
  const parts = whole.length >= 2 ? whole : commonStart(mostOf(all));
  return [4, 3, 2].flatMap((count) => (parts.length >= count ? [parts.slice(0, count).join('.')] : []));
}

function commonStart([first = [], ...others]: readonly (readonly string[])[]): readonly string[] {
  const differs = first.findIndex((part, at) => others.some((parts) => parts[at] !== part));
  return differs < 0 ? first : first.slice(0, differs);
}

/** Jars often carry classes of other projects. This keeps those under the most common two top folders. */
function mostOf(all: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const byStart = Map.groupBy(all, (parts) => parts.slice(0, 2).join('/'));
  const [most = []] = [...byStart.values()].sort((a, b) => b.length - a.length);
  return most.length * 2 > all.length ? most : [];
}

/** Debian renames `commons-collections` 3.2.2 to `commons-collections3`. The manifest may have the original name. */
function otherArtifacts(
  artifact: string,
  version: string,
  manifest: ReadonlyMap<string, string>,
): readonly string[] {
  const digits = /^(.*[a-z-])(\d+)$/.exec(artifact);
  const plain =
    digits !== null && version.split('.')[0] === digits[2] ? digits[1]?.replace(/-$/, '') : undefined;
  const titles = ['Extension-Name', 'Implementation-Title'].map((key) => named(manifest.get(key)));
  return [plain, ...titles].flatMap((name) =>
    name !== undefined && name !== artifact && /^[a-z][\w.-]+$/.test(name) ? [name] : [],
  );
}
