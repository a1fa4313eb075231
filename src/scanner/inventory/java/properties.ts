/**
 * Parses the two texts that identify a jar: `pom.properties`, which Maven writes, and the manifest.
 * Sources: java.util.Properties.load; JAR File Specification, "Manifest Specification".
 */

/** Ignores escapes, which Maven names do not need. */
export function propertiesOf(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*([\w.-]{1,100})\s*[=:]\s*(\S.*)?$/.exec(line);
    if (match?.[1] !== undefined) values.set(match[1], (match[2] ?? '').trim());
  }
  return values;
}

/** Reads the main section. Lines of 72 bytes continue after a blank. */
export function manifestOf(text: string): ReadonlyMap<string, string> {
  const [main = ''] = text.split(/\r?\n\r?\n/, 1);
  const values = new Map<string, string>();
  for (const line of main.replaceAll(/\r?\n /g, '').split(/\r?\n/)) {
    const colon = line.indexOf(': ');
    if (colon > 0) values.set(line.slice(0, colon), line.slice(colon + 2).trim());
  }
  return values;
}
