/** Reads package URLs and compares them (purl-spec). */
import { PackageURL } from 'packageurl-js';

export interface PackageUrl {
  readonly type: string;
  readonly namespace: string;
  readonly name: string;
  readonly version: string | undefined;
  readonly qualifiers: ReadonlyMap<string, string>;
}

const longest = 2048;

/** Returns undefined for text that is not a package URL. */
export function parsePackageUrl(text: string): PackageUrl | undefined {
  if (text.length > longest) return undefined;
  try {
    const { type, namespace, name, version, qualifiers } = PackageURL.fromString(text);
    return {
      type: type ?? '',
      namespace: namespace ?? '',
      name: name ?? '',
      version: version || undefined,
      qualifiers: new Map(Object.entries(qualifiers ?? {})),
    };
  } catch {
    return undefined;
  }
}

/** As text, with its version and its qualifiers. */
export function packageUrlText({ type, namespace, name, version, qualifiers }: PackageUrl): string {
  return new PackageURL(type, namespace, name, version, Object.fromEntries(qualifiers), undefined).toString();
}

/** True if `pattern` covers `subject`: a version or qualifier that the pattern leaves out matches any. */
export function coversPackage(pattern: PackageUrl, subject: PackageUrl): boolean {
  const isSame =
    pattern.type === subject.type && pattern.namespace === subject.namespace && pattern.name === subject.name;
  if (!isSame || (pattern.version !== undefined && pattern.version !== subject.version)) return false;
  return [...pattern.qualifiers].every(([key, value]) => subject.qualifiers.get(key) === value);
}
