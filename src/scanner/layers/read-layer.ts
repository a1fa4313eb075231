/**
 * Reads a layer once, from its compressed bytes, and says all that a scan has to know of it. Nothing is written
 * anywhere. A layer with hard links to files that matter under their other name is read twice.
 */
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import type { Digest } from '../../images/index.ts';
import { type Analysers, type Collector, type LongFile, openCollector } from '../collect/collector.ts';
import { scannerFault } from '../faults.ts';
import { type FileFacts, type ImageLayer, longestWhole, type ScannedFile } from '../types.ts';
import { untilAborted } from '../until-aborted.ts';
import type { LayerAnalysis } from './analysis.ts';
import { entryPath, showPath } from './entry-path.ts';
import { type LayerTree, openLayerTree } from './layer-tree.ts';
import type { TarEntry } from './tar-entry.ts';
import { openTarReader, type ReadEntry, type TarLimits, type Watch } from './tar-reader.ts';
import { unpacked } from './unpacked.ts';

/** A layer as it is stored. */
export type StoredLayer = Pick<ImageLayer, 'digest' | 'open'>;

/** Far more than any sensible layer, far less than a disk. */
export const layerLimits: TarLimits = {
  maxEntries: 300_000,
  maxTotalBytes: 8 * 1024 ** 3,
  maxNameBytes: 32 * 1024 ** 2,
  longestWhole,
};

interface Reading {
  readonly collector: Collector;
  readonly tree: LayerTree;
  /** The one that is passing by and is not read whole. */
  long: LongFile | undefined;
  /** Hard links: path → path of the file. */
  readonly namesakes: Map<string, string>;
}

/**
 * @param limits For tests.
 * @throws Fault LAYER_MISMATCH, LAYER_INVALID, LAYER_TOO_LARGE; what opening or reading fails with; the signal's reason
 */
export async function readLayer(
  layer: StoredLayer,
  analysers: Analysers,
  signal: AbortSignal,
  limits: TarLimits = layerLimits,
): Promise<LayerAnalysis> {
  const collector = openCollector(analysers);
  const tree = openLayerTree();
  const reading: Reading = { collector, tree, long: undefined, namesakes: new Map() };
  const diffId = await readEntries(layer, limits, signal, watchOf(reading), (read) =>
    takeEntry(read, reading),
  );
  const wanted = wantedNamesakes(reading);
  if (wanted.size > 0) {
    const met = new Set<string>();
    await readEntries(layer, limits, signal, ignore, (read) => takeNamesakes(read, wanted, met, collector));
    for (const [original, names] of wanted) {
      if (!met.has(original)) collector.addGap(names[0] ?? '', 'the entry is a hard link to what is no file');
    }
  }
  return { form: 1, digest: layer.digest, diffId, ...collector.result(), ...tree.result() };
}

async function readEntries(
  layer: StoredLayer,
  limits: TarLimits,
  signal: AbortSignal,
  watch: Watch,
  take: (read: ReadEntry) => Promise<void> | undefined,
): Promise<Digest> {
  const source = await opened(layer, signal);
  const stop = (): void => void source.destroy(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const { bytes, digests } = unpacked(source);
  const reader = openTarReader(limits, watch);
  try {
    for await (const piece of bytes) {
      signal.throwIfAborted();
      reader.push(piece);
      for (let read = reader.next(); read !== undefined; read = reader.next()) {
        const waiting = take(read);
        if (waiting !== undefined) await waiting;
      }
    }
    reader.end();
  } finally {
    signal.removeEventListener('abort', stop);
    source.destroy();
  }
  const { digest, diffId } = digests();
  if (digest === layer.digest) return diffId;
  throw scannerFault('LAYER_MISMATCH', `the layer ${layer.digest} has the digest ${digest}`);
}

/** Whoever opens it may take its time, or never come back. */
async function opened(layer: StoredLayer, signal: AbortSignal): Promise<Readable> {
  signal.throwIfAborted();
  const opening = layer.open();
  try {
    return await untilAborted(signal, opening);
  } catch (error) {
    opening.then((source) => source.destroy()).catch(() => undefined);
    throw error;
  }
}

function ignore(): void {}

function watchOf(reading: Reading): Watch {
  return (entry, piece) => {
    const { path } = entryPath(entry.name);
    if (path === undefined) return;
    reading.long ??= reading.collector.watch(factsOf(entry, path));
    reading.long.piece(piece);
  };
}

function takeEntry(read: ReadEntry, reading: Reading): Promise<void> | undefined {
  const { collector, tree } = reading;
  const { entry } = read;
  const { path, problem } = entryPath(entry.name);
  if (path === undefined) {
    collector.addGap('', `${showPath(entry.name.toString('utf8'))} ${problem}`);
    return undefined;
  }
  if (path === '') return undefined;
  const complain = (complaint: string | undefined): void => {
    if (complaint !== undefined) collector.addGap(path, `the entry ${complaint}`);
  };
  const base = posix.basename(path);
  if (tree.isWhiteout(base)) {
    const folder = posix.dirname(path);
    complain(tree.addWhiteout(folder === '.' ? '' : folder, base));
    return undefined;
  }
  reading.namesakes.delete(path);
  if (entry.type === 'folder') {
    complain(tree.addFolder(path));
    collector.forget(path);
    collector.addFolder({ path, mode: entry.mode, uid: entry.uid, gid: entry.gid });
    return undefined;
  }
  complain(tree.addFile(path));
  if (entry.type === 'file') {
    const { long } = reading;
    reading.long = undefined;
    return long === undefined ? collector.add(scannedFile(read, path)) : long.end(read.head);
  }
  collector.forget(path);
  const target = entry.linkName.toString('utf8');
  if (entry.type === 'symlink') tree.addLink(path, target);
  else if (entry.type === 'hardlink') addNamesake(path, target, reading);
  else collector.addGap(path, `the entry is a ${entry.type}`);
  return undefined;
}

function addNamesake(path: string, target: string, { collector, namesakes }: Reading): void {
  const { path: original } = entryPath(Buffer.from(target));
  if (original === undefined) collector.addGap(path, 'the entry is a hard link that leads out of the layer');
  else namesakes.set(path, namesakes.get(original) ?? original);
}

/** File → its other names that a cataloger would read, or that keep it when the file itself is deleted. */
function wantedNamesakes({ collector, namesakes, tree }: Reading): ReadonlyMap<string, readonly string[]> {
  if (namesakes.size === 0) return new Map();
  const proven = new Set(collector.result().evidence.map(({ path }) => path));
  const wanted = new Map<string, string[]>();
  for (const [path, original] of namesakes) {
    if (!tree.hasFile(original))
      collector.addGap(path, 'the entry is a hard link to what is not in the layer');
    else if (proven.has(original) || collector.isWanted(path)) {
      wanted.set(original, [...(wanted.get(original) ?? []), path]);
    }
  }
  return wanted;
}

/** A file that comes twice is taken twice: a link between the two leads to the first. */
async function takeNamesakes(
  read: ReadEntry,
  wanted: ReadonlyMap<string, readonly string[]>,
  met: Set<string>,
  collector: Collector,
): Promise<void> {
  const { path } = entryPath(read.entry.name);
  if (read.entry.type !== 'file' || path === undefined) return;
  for (const name of wanted.get(path) ?? []) await collector.addNamesake(scannedFile(read, name));
  met.add(path);
}

function scannedFile({ entry, head, content }: ReadEntry, path: string): ScannedFile {
  return { ...factsOf(entry, path), head, content };
}

function factsOf({ mode, uid, gid, sizeBytes, xattrs }: TarEntry, path: string): FileFacts {
  return { path, mode, uid, gid, sizeBytes, xattrs };
}
