/**
 * Reads the code of a function: the text of one file, or a zip that is safe to unpack. Code that is both is read as both,
 * because the scanner can't know which of them will run.
 */
import { codeArchiveLimits, inspectZip } from '../images/index.ts';
import { messageOf } from '../lib/index.ts';
import { type ZipEntry, zipEntries } from './archives/zip-entries.ts';
import { type Analysers, type Collector, openCollector } from './collect/collector.ts';
import { assemble } from './inventory/assemble.ts';
import { openJar } from './inventory/java/jar.ts';
import { type FileFacts, type Finding, headBytes, type Inventory, longestWhole } from './types.ts';

const zipStart = Buffer.from('PK\x03\x04', 'latin1');
/** Magic of the record at the end of a zip, where readers begin. */
const zipEnd = Buffer.from('PK\x05\x06', 'latin1');
/** Length of that record with the longest comment. */
const zipEndBytes = 22 + 65_535;
const jarManifest = 'META-INF/MANIFEST.MF';
const jarName = 'code.jar';

/**
 * @param kind of the function, such as `nodejs:24`: it determines the name of a file
 * @throws Fault ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, ARCHIVE_INVALID; the signal's reason
 */
export async function readCode(
  code: Buffer,
  kind: string,
  analysers: Analysers,
  signal: AbortSignal,
): Promise<{ readonly inventory: Inventory; readonly findings: readonly Finding[] }> {
  const collector = openCollector(analysers);
  const isZip = code.subarray(0, zipStart.length).equals(zipStart);
  if (isZip) await addZip(collector, code, signal);
  else {
    await addFile(collector, nameOf(kind), code, 0o644);
    if (code.subarray(-zipEndBytes).includes(zipEnd)) await addHiddenZip(collector, code, signal);
  }
  const { evidence, findings, gaps, bareFolders } = collector.result();
  const standing = evidence.map((each) => ({ evidence: each, originOf: () => undefined }));
  // Links in zips are refused.
  const folders = { bare: bareFolders, links: [], hasCode: () => true };
  return { inventory: assemble({ standing, layers: [], gaps, folders, hasSystem: false }), findings };
}

async function addFile(collector: Collector, path: string, content: Buffer, mode: number): Promise<void> {
  const facts = factsOf(path, mode, content.length);
  const head = content.subarray(0, headBytes);
  if (content.length <= longestWhole) return collector.add({ ...facts, head, content });
  const long = collector.watch(facts);
  long.piece(content);
  return long.end(head);
}

async function addLong(collector: Collector, path: string, entry: ZipEntry): Promise<void> {
  const long = collector.watch(factsOf(path, entry.mode, entry.sizeBytes));
  let head = Buffer.alloc(0);
  for await (const piece of await entry.open()) {
    if (head.length < headBytes) head = Buffer.concat([head, piece.subarray(0, headBytes - head.length)]);
    long.piece(piece);
    await long.ready();
  }
  return long.end(head);
}

function factsOf(path: string, mode: number, sizeBytes: number): FileFacts {
  return { path, mode, uid: 0, gid: 0, sizeBytes, xattrs: new Map() };
}

async function addZip(collector: Collector, code: Buffer, signal: AbortSignal): Promise<void> {
  const { files } = await inspectZip(code, codeArchiveLimits);
  const jar = files.includes(jarManifest) ? openJar(jarName) : undefined;
  try {
    for await (const entry of zipEntries(code)) {
      signal.throwIfAborted();
      await addEntry(collector, entry, jar);
    }
  } catch (error) {
    signal.throwIfAborted();
    collector.addGap('', `the zip can't be read: ${messageOf(error)}`);
  }
  if (jar !== undefined) collector.addProof(jarName, jar.proof());
}

async function addEntry(
  collector: Collector,
  entry: ZipEntry,
  jar: ReturnType<typeof openJar> | undefined,
): Promise<void> {
  if (entry.name.endsWith('/')) return;
  const path = entry.name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
  try {
    if (entry.sizeBytes > longestWhole) return await addLong(collector, path, entry);
    const content = await entry.read(longestWhole);
    jar?.entry(entry.name, content);
    await addFile(collector, path, content, entry.mode);
  } catch (error) {
    collector.addGap(path, `it can't be read: ${messageOf(error)}`);
  }
}

/** Ignores code that is not a zip after all: a text may contain the magic by chance. */
async function addHiddenZip(collector: Collector, code: Buffer, signal: AbortSignal): Promise<void> {
  try {
    await addZip(collector, code, signal);
  } catch {
    signal.throwIfAborted();
  }
}

/** The name that the invoker gives the file. */
function nameOf(kind: string): string {
  const names = new Map([
    ['nodejs', 'index.js'],
    ['python', '__main__.py'],
    ['ruby', 'main.rb'],
    ['php', 'index.php'],
  ]);
  return names.get(kind.split(':')[0] ?? '') ?? 'exec';
}
