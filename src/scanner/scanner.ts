/**
 * The scanner: reads images layer by layer, folders, function code and SBOMs, and says what is in them and what is wrong
 * with it. What was read of a layer is kept, so that it is read once.
 */
import { type Digest, digestOf } from '../blobs/index.ts';
import { isElsewhere, isLayerType } from '../images/index.ts';
import { isFault, type Log, messageOf } from '../lib/index.ts';
import { scannerFault } from './faults.ts';
import { openStatementBudget } from './inventory/statements.ts';
import { type Judge, openJudge } from './judge.ts';
import type { LayerAnalysis } from './layers/analysis.ts';
import { openLayerCache } from './layers/cache.ts';
import { mostPackages } from './limits.ts';
import type { Analyst, SourceLayer } from './processes/jobs.ts';
import { analystInProcesses } from './processes/pool.ts';
import type { InspectorModule } from './processes/scan-process.ts';
import type { StartProgram } from './processes/start-program.ts';
import { analystHere } from './processes/this-process.ts';
import { type SharedWork, shareWork } from './shared-work.ts';
import { inTurns } from './turns.ts';
import type {
  AdvisoryMatcher,
  ArtifactSource,
  ImageSource,
  InspectorSet,
  Report,
  Scanner,
  ScanOptions,
} from './types.ts';

export interface ScannerOptions {
  readonly matcher: AdvisoryMatcher;
  /** A set: what is scanned is read in the process that asks. A module: in processes of their own, which load it. */
  readonly inspectors: InspectorSet | InspectorModule;
  /** How such a process is started; by default by this one. */
  readonly start?: StartProgram | undefined;
  /** How long it waits for work; ms. */
  readonly idleMs?: number | undefined;
  /** Where what was read of layers is kept. Undefined: nowhere. */
  readonly cacheDir?: string | undefined;
  /** What is read now is not kept there. */
  readonly readsCacheOnly?: boolean | undefined;
  readonly log: Log;
  /** For each layer, folder, code or configuration; 10 min. */
  readonly timeoutMs?: number | undefined;
  readonly now?: (() => Date) | undefined;
}

const defaultTimeoutMs = 600_000;
/** Of names in all layers taken together. */
const mostNameBytes = 48 * 1024 ** 2;
/** What makes a layer unreadable, and is no reason to say nothing of the others. */
const unreadable = new Set(['ARCHIVE_INVALID', 'ARCHIVE_TOO_LARGE', 'SCAN_TIMED_OUT']);

interface Parts {
  readonly analyst: Analyst;
  readonly judge: Judge;
  /** The revision of those who read. */
  readonly rules: () => Promise<string>;
  readonly cache: ReturnType<typeof openLayerCache>;
  readonly underWay: SharedWork<LayerAnalysis>;
  readonly log: Log;
}

export function createScanner(options: ScannerOptions): Scanner & AsyncDisposable {
  const { matcher, log, timeoutMs = defaultTimeoutMs, now = () => new Date() } = options;
  const analyst = analystOf(options, timeoutMs);
  const judge = openJudge(matcher, now);
  const { cacheDir, readsCacheOnly } = options;
  let known: string | undefined;
  const revision = async () => {
    known = await analyst.revision();
    return known;
  };
  // It stays the same, and asking a process anew might wait for another user's scan.
  const rules = async () => known ?? revision();
  const cache = openLayerCache(cacheDir, revision, readsCacheOnly);
  const parts = { analyst, judge, rules, cache, underWay: shareWork<LayerAnalysis>(), log };
  return {
    scanImage: (image, scan) => scanImage(parts, image, signalOf(scan)),
    scanArtifact: (artifact, scan) => scanArtifact(parts, artifact, signalOf(scan)),
    prepare: async () => {
      await analyst.revision();
    },
    scanLayer: async (layer, scan) => {
      await analysisOf(parts, layer, signalOf(scan));
    },
    scanFolder: async (dir, name, scan) =>
      judge.judged({ name, kind: 'folder' }, await analyst.folder(dir, signalOf(scan)), await rules()),
    scanCode: async (code, { name, kind }, scan) => {
      const read = await analyst.code(Buffer.from(code), kind, signalOf(scan));
      const target = { name, kind: 'code', digest: digestOf(code) } as const;
      return judge.judged(target, read, await rules());
    },
    scanSbom: async (sbom, name) =>
      judge.judged(
        { name, kind: 'sbom', digest: digestOf(sbom) },
        { inventory: (await import('./sbom/read-sbom.ts')).readSbom(sbom), findings: [] },
        // Nothing of a program looks into what it lists.
        '',
      ),
    rejudge: (report) => judge.rejudged(report),
    [Symbol.asyncDispose]: () => analyst[Symbol.asyncDispose](),
  };
}

function analystOf({ inspectors, start, idleMs }: ScannerOptions, timeoutMs: number): Analyst {
  return 'module' in inspectors
    ? analystInProcesses(inspectors, timeoutMs, { start, idleMs })
    : analystHere(inspectors, timeoutMs);
}

function signalOf(options: ScanOptions | undefined): AbortSignal {
  return options?.signal ?? new AbortController().signal;
}

async function scanImage(parts: Parts, image: ImageSource, signal: AbortSignal): Promise<Report> {
  const { analyst, judge, rules } = parts;
  const lines = image.config.history.filter(({ emptyLayer }) => !emptyLayer);
  // A history of another length tells of other layers.
  const isTold = lines.length === image.layers.length;
  const fits = imageBudget();
  const stack = await allOrAbort(image.layers, signal, async (layer, at, end) => ({
    analysis: fits(await layerOf(parts, layer, end)),
    createdBy: isTold ? lines[at]?.createdBy : undefined,
  }));
  const { mergingLayers } = await import('./layers/merge.ts');
  const { inventory, findings } = await inTurns(mergingLayers(stack));
  const target = { name: image.name, kind: 'image', digest: image.digest } as const;
  const inspected = await analyst.config(image.config, signal);
  const read = {
    inventory: { ...inventory, gaps: [...inventory.gaps, ...inspected.gaps] },
    findings: [...findings, ...inspected.findings],
  };
  return judge.judged(target, read, await rules());
}

async function scanArtifact(parts: Parts, artifact: ArtifactSource, signal: AbortSignal): Promise<Report> {
  const { readArtifact } = await import('./artifact.ts');
  const target = { name: artifact.name, kind: 'artifact', digest: artifact.digest } as const;
  const read = await readArtifact(artifact, {
    layer: (layer) => analysisOf(parts, layer, signal),
    zip: (bytes) => parts.analyst.code(bytes, 'zip', signal),
  });
  return parts.judge.judged(target, read, await parts.rules());
}

/** A layer that can't be read is one with a gap. @throws Fault LAYER_MISMATCH */
async function layerOf(
  parts: Parts,
  layer: ImageSource['layers'][number],
  signal: AbortSignal,
): Promise<LayerAnalysis> {
  const { digest, diffId, mediaType } = layer;
  if (!isLayerType(mediaType)) {
    return emptyAnalysis(
      digest,
      diffId,
      `the layer ${digest} has a type that Ward does not read: ${mediaType}`,
    );
  }
  let analysis: LayerAnalysis;
  try {
    analysis = await analysisOf(parts, layer, signal);
  } catch (error) {
    if (isFault(error, 'BLOB_NOT_FOUND') && isElsewhere(mediaType)) {
      const reason = `the layer ${digest} was not scanned: it is not stored here, and clients get it from elsewhere`;
      return emptyAnalysis(digest, diffId, reason);
    }
    if (!isFault(error) || !unreadable.has(error.code)) throw error;
    return emptyAnalysis(digest, diffId, `the layer ${digest} was not read: ${messageOf(error)}`);
  }
  if (analysis.diffId === diffId) return analysis;
  throw scannerFault(
    'LAYER_MISMATCH',
    `the layer ${digest} has the diff id ${analysis.diffId}, not ${diffId}`,
    {
      hint: 'Push the image again.',
    },
  );
}

/** All layers of an image are held at once; one that is too much is one with a gap, or without what SBOMs alone tell. */
function imageBudget(): (analysis: LayerAnalysis) => LayerAnalysis {
  const statements = openStatementBudget();
  let nameBytes = 0;
  let packages = 0;
  return (analysis) => {
    const { digest, diffId, files, evidence } = analysis;
    nameBytes += files.length;
    packages += evidence.reduce((sum, each) => sum + (each.packages?.length ?? 0), 0);
    if (nameBytes <= mostNameBytes && packages <= mostPackages) {
      return {
        ...analysis,
        evidence: evidence
          .filter(({ copyright }) => copyright === undefined || statements.spendCopyright(copyright))
          .map((each) => (each.packages ? { ...each, packages: statements.spend(each.packages) } : each)),
      };
    }
    const what = packages > mostPackages ? 'packages' : 'files';
    return emptyAnalysis(
      digest,
      diffId,
      `the layer ${digest} was left out: the image holds too many ${what}`,
    );
  };
}

function emptyAnalysis(digest: Digest, diffId: Digest, reason: string): LayerAnalysis {
  const nothing = {
    evidence: [],
    findings: [],
    files: '',
    folders: [],
    links: [],
    bareFolders: [],
    packageLinks: [],
    removed: [],
    opaque: [],
  };
  return { form: 1, digest, diffId, ...nothing, gaps: [{ path: '', reason: reason.slice(0, 500) }] };
}

/** Of a scan before, or else of the layer itself. */
async function analysisOf(parts: Parts, layer: SourceLayer, signal: AbortSignal): Promise<LayerAnalysis> {
  const known = await parts.cache.get(layer.digest);
  if (known !== undefined) return known;
  return parts.underWay.run(layer.digest, signal, async (end) => {
    const analysis = await parts.analyst.layer(layer, end);
    // The result is kept under the digest that was asked for, even if the scan process was taken over.
    if (analysis.digest !== layer.digest)
      throw scannerFault('SCAN_FAILED', `the scan process answered for another layer than ${layer.digest}`);
    await parts.cache.put(analysis).catch((error: unknown) => {
      // The next scan reads the layer again.
      parts.log.warn(
        { layer: layer.digest, error: messageOf(error) },
        'the analysis of a layer could not be cached',
      );
    });
    return analysis;
  });
}

/** The first failure ends the others. */
async function allOrAbort<T, R>(
  items: readonly T[],
  signal: AbortSignal,
  work: (item: T, at: number, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const controller = new AbortController();
  const both = AbortSignal.any([signal, controller.signal]);
  try {
    return await Promise.all(items.map((item, at) => work(item, at, both)));
  } catch (error) {
    controller.abort(error);
    throw error;
  }
}
