/** Shared by the tests of whole scans: a scanner that knows one bad package, and two layers to scan. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import { silentLog } from '../lib/index.ts';
import { inspectorsFor } from './processes/inspectors.fixture.ts';
import { filesTar } from './scanner.fixture.ts';
import { createScanner, type ScannerOptions } from './scanner.ts';
import type { AdvisoryMatcher, Report, Vulnerability } from './types.ts';

/** For scan processes. */
export const module = new URL('processes/inspectors.fixture.ts', import.meta.url);
/** The layer of a distribution. */
export const base = await filesTar({
  'etc/os-release': 'ID=debian\nVERSION_ID="13"\n',
  'var/lib/dpkg/status': 'Package: libc6\nVersion: 2.41-1\n',
});
/** A layer with a bad package and a password. */
export const app = await filesTar({
  'app/node_modules/lodash/package.json': '{"name":"lodash","version":"4.17.20"}',
  'app/.env': 'PASSWORD=hunter2',
});

/** Reports all components of these names as vulnerable. */
export function matcherOf(names: readonly string[], revision = '1'): AdvisoryMatcher {
  return {
    state: () => ({ revision, count: names.length }),
    covers: () => true,
    knows: () => true,
    endOfLife: () => undefined,
    match: (components) =>
      components
        .filter(({ name }) => names.includes(name))
        .map((component): Vulnerability => {
          const { ecosystem, name, version, purl, places } = component;
          return {
            class: 'vulnerability',
            id: `CVE-${name}`,
            title: name,
            severity: 'critical',
            places,
            aliases: [],
            component: { ecosystem, name, version, purl },
            severitySource: 'test',
            fixedIn: [],
            status: 'affected',
            knownExploited: false,
          };
        }),
  };
}

export function scannerWith(options: Partial<ScannerOptions> = {}) {
  return createScanner({
    matcher: matcherOf(['lodash']),
    inspectors: inspectorsFor(),
    log: silentLog,
    now: () => new Date('2026-01-02T03:04:05Z'),
    ...options,
  });
}

export function idsOf({ findings }: Report): string[] {
  return findings.map(({ id }) => id);
}

export async function zipOf(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(files)) zip.addBuffer(Buffer.from(content), name);
  zip.end();
  return buffer(zip.outputStream);
}

export async function layFiles(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}
