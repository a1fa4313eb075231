/**
 * The code of a function: the text of one file, or a zip, which must be one that may be unpacked (`src/images`).
 */
import { codeArchiveLimits, inspectZip } from '../images/index.ts';
import { type Analysers, openCollector } from './collect/collector.ts';
import { assemble } from './inventory/assemble.ts';
import { zipEntries } from './inventory/zip-entries.ts';
import { type Finding, headBytes, type Inventory, longestWhole } from './types.ts';

const zipMagic = 0x504b0304;
const emptyZipMagic = 0x504b0506;
const jarManifest = 'META-INF/MANIFEST.MF';

/**
 * @param kind of the function: `nodejs:24`; it names a file that has no name.
 * @throws Fault ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, ARCHIVE_INVALID; the signal's reason
 */
export async function readCode(
  code: Buffer,
  kind: string,
  analysers: Analysers,
  signal: AbortSignal,
): Promise<{ readonly inventory: Inventory; readonly findings: readonly Finding[] }> {
  const collector = openCollector(analysers);
  const addFile = async (path: string, content: Buffer, mode: number): Promise<void> => {
    signal.throwIfAborted();
    const head = content.subarray(0, headBytes);
    const sizeBytes = content.length;
    await collector.add({ path, mode, uid: 0, gid: 0, sizeBytes, xattrs: new Map(), head, content });
  };
  if (!isZip(code)) await addFile(nameOf(kind), code, 0o644);
  else {
    const { files } = await inspectZip(code, codeArchiveLimits);
    const names = new Set(files);
    if (names.has(jarManifest)) await addFile('code.jar', code, 0o644);
    for await (const entry of zipEntries(code)) {
      if (entry.name.endsWith('/')) continue;
      const path = entry.name
        .split('/')
        .filter((part) => part !== '' && part !== '.')
        .join('/');
      if (entry.sizeBytes > longestWhole) collector.addGap(path, 'it is too long to be read');
      else await addFile(path, await entry.read(longestWhole), entry.mode);
    }
  }
  const { evidence, findings, gaps } = collector.result();
  const standing = evidence.map((each) => ({ evidence: each, originOf: () => undefined }));
  return { inventory: assemble({ standing, layers: [], gaps, hasSystem: false }), findings };
}

function isZip(code: Buffer): boolean {
  if (code.length < 4) return false;
  const magic = code.readUInt32BE(0);
  return magic === zipMagic || magic === emptyZipMagic;
}

/** As the runner of its kind lays it. */
function nameOf(kind: string): string {
  const family = kind.split(':')[0] ?? '';
  const names: Readonly<Record<string, string>> = {
    nodejs: 'index.js',
    python: '__main__.py',
    ruby: 'main.rb',
    php: 'index.php',
    go: 'exec',
    java: 'main.jar',
  };
  return Object.hasOwn(names, family) ? (names[family] ?? 'code') : 'code';
}
