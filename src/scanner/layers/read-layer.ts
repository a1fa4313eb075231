/**
 * Analyses a layer from its compressed bytes in one pass, without writing files. A second pass is needed if hard links give
 * files another name that matters.
 */
import type { Digest } from '../../blobs/index.ts';
import {
  entryPath,
  type IsWanted,
  LayerPaths,
  layerLimits,
  linkTarget,
  type ReadEntry,
  type TarEntry,
  type TarLimits,
  TarReader,
  unpacked,
  type Watch,
} from '../../images/index.ts';
import { untilAborted } from '../../lib/index.ts';
import { archiveStart } from '../archives/forms.ts';
import { type Analysers, type Collector, type LongFile, openCollector } from '../collect/collector.ts';
import { scannerFault } from '../faults.ts';
import { isDatabasePath } from '../inventory/databases.ts';
import { copyrightLink } from '../inventory/deb-copyright.ts';
import { isProgram } from '../inventory/elf/formats.ts';
import { longestUnwanted } from '../limits.ts';
import { hidesText } from '../texts/plain-text.ts';
import { type FileFacts, type ImageLayer, longestWhole, type ScannedFile } from '../types.ts';
import type { LayerAnalysis, Link } from './analysis.ts';

/** A layer as it is stored. */
interface StoredLayer extends Pick<ImageLayer, 'digest' | 'isVerified'> {
  open(): Promise<LayerBytes>;
}

/** The bytes of a layer, such as a stream, to be read once. Each piece stays valid until two more were requested. */
export interface LayerBytes extends AsyncIterable<Buffer> {
  destroy(reason?: Error): void;
}

interface Reading {
  readonly collector: Collector;
  readonly paths: LayerPaths;
  /** Links at the path of a package database, or of a folder above one. */
  readonly links: Link[];
  /** The file that streams past, because it is too long to be read whole. */
  long: LongFile | undefined;
  /** Hard links: path → path of the file. */
  readonly namesakes: Map<string, string>;
}

/**
 * @param limits For tests.
 * @throws Fault LAYER_MISMATCH, ARCHIVE_INVALID, ARCHIVE_TOO_LARGE; what opening or reading throws; the signal's reason
 */
export async function readLayer(
  layer: StoredLayer,
  analysers: Analysers,
  signal: AbortSignal,
  limits: TarLimits = { ...layerLimits, longestWhole },
): Promise<LayerAnalysis> {
  const collector = openCollector(analysers);
  const paths = new LayerPaths(limits);
  const reading: Reading = { collector, paths, links: [], long: undefined, namesakes: new Map() };
  const diffId = await readEntries(layer, limits, signal, {
    watch: watchOf(reading),
    ready: () => reading.long?.ready(),
    isWanted: wantedWhole(collector),
    take: (read) => takeEntry(read, reading),
  });
  const wanted = wantedNamesakes(reading);
  if (wanted.size > 0) {
    await readEntries(layer, limits, signal, {
      watch: ignore,
      ready: () => undefined,
      isWanted: () => true,
      take: (read) => takeNamesakes(read, wanted, collector),
    });
  }
  return { form: 1, digest: layer.digest, diffId, ...collector.result(), ...treeOf(reading) };
}

interface Taking {
  readonly watch: Watch;
  /** A promise when the caller must wait for the watcher. */
  ready(): Promise<void> | undefined;
  readonly isWanted: IsWanted;
  take(read: ReadEntry): Promise<void> | undefined;
}

async function readEntries(
  layer: StoredLayer,
  limits: TarLimits,
  signal: AbortSignal,
  { watch, ready, isWanted, take }: Taking,
): Promise<Digest> {
  const source = await opened(layer, signal);
  const stop = (): void => void source.destroy(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const { bytes, digests } = unpacked(source, layer.isVerified === true ? layer.digest : undefined);
  const reader = new TarReader(limits, watch, isWanted);
  try {
    for await (const piece of bytes) {
      signal.throwIfAborted();
      reader.push(piece);
      for (let read = reader.next(); read !== undefined; read = reader.next()) {
        const waiting = take(read);
        if (waiting !== undefined) await waiting;
      }
      const watching = ready();
      if (watching !== undefined) await watching;
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

/** Stops waiting on an abort, because `open` may take long or never return. */
async function opened(layer: StoredLayer, signal: AbortSignal): Promise<LayerBytes> {
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

/** Long files that no cataloger reads are streamed past the rules, because reading them whole would fill the memory. */
function wantedWhole(collector: Collector): IsWanted {
  return ({ name, sizeBytes }, start) => {
    if (sizeBytes <= longestUnwanted || isProgram(start)) return true;
    if (archiveStart(start) !== undefined || hidesText(start)) return true;
    const { path } = entryPath(name);
    return path !== undefined && collector.isWanted(path);
  };
}

function watchOf(reading: Reading): Watch {
  return (entry, piece) => {
    const { path } = entryPath(entry.name);
    if (path === undefined) return;
    reading.long ??= reading.collector.watch(factsOf(entry, path));
    reading.long.piece(piece);
  };
}

function takeEntry(read: ReadEntry, reading: Reading): Promise<void> | undefined {
  const { collector, paths, links, namesakes, long } = reading;
  reading.long = undefined;
  const { entry } = read;
  const placed = paths.place(entry);
  const { path, problem } = placed;
  if (problem !== undefined)
    collector.addGap(path, placed.kind === 'nameless' ? problem : `the entry ${problem}`);
  if (placed.kind === 'nameless' || placed.kind === 'whiteout') return undefined;
  if (placed.kind === 'node') return undefined;
  namesakes.delete(path);
  if (placed.kind === 'file')
    return long === undefined ? collector.add(scannedFile(read, path)) : long.end(read.head);
  collector.forget(path);
  if (placed.kind === 'folder' && path !== '') {
    collector.addFolder({ path, mode: entry.mode, uid: entry.uid, gid: entry.gid });
  }
  if (placed.kind === 'symlink') {
    const target = placed.target.toString('utf8');
    if (isDatabasePath(path)) links.push({ path, target });
    if (path.includes('node_modules')) collector.addLink(path, linkTarget(path, target));
    const copyright = copyrightLink(path, target);
    if (copyright !== undefined) collector.addProof(path, copyright);
  }
  if (placed.kind === 'hardlink' && placed.original !== '') {
    namesakes.set(path, namesakes.get(placed.original) ?? placed.original);
  }
  return undefined;
}

/** Maps a file to its other names that a cataloger would read, or that keep its packages if the file is deleted. */
function wantedNamesakes({ collector, namesakes }: Reading): ReadonlyMap<string, readonly string[]> {
  if (namesakes.size === 0) return new Map();
  const proven = new Set(collector.result().evidence.map(({ path }) => path));
  const wanted = new Map<string, string[]>();
  for (const [path, original] of namesakes) {
    if (!proven.has(original) && !collector.isWanted(path)) continue;
    wanted.set(original, [...(wanted.get(original) ?? []), path]);
  }
  return wanted;
}

/** If the archive has a file twice, takes both, because a link between the two leads to the first. */
async function takeNamesakes(
  read: ReadEntry,
  wanted: ReadonlyMap<string, readonly string[]>,
  collector: Collector,
): Promise<void> {
  const { path } = entryPath(read.entry.name);
  if (read.entry.type !== 'file' || path === undefined) return;
  for (const name of wanted.get(path) ?? []) await collector.addNamesake(scannedFile(read, name));
}

function treeOf({ paths, links }: Reading) {
  return {
    files: [...paths.files()].sort().join('\n'),
    folders: [...paths.folders()].sort(),
    links: links.filter(({ path }) => paths.hasFile(path)),
    removed: [...paths.removed()].sort(),
    opaque: [...paths.opaque()].sort(),
  };
}

function scannedFile({ entry, head, content }: ReadEntry, path: string): ScannedFile {
  return { ...factsOf(entry, path), head, content };
}

function factsOf({ mode, uid, gid, sizeBytes, xattrs }: TarEntry, path: string): FileFacts {
  return { path, mode, uid, gid, sizeBytes, xattrs };
}
