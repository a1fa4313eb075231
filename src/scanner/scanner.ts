/**
 * The scanner: reads images layer by layer, folders, function code and SBOMs, and reports what is in them and what is
 * wrong. It caches the analyses of layers, so that each layer is read once.
 */
import { type Digest, digestOf } from '../blobs/index.ts';
import { isElsewhere, isLayerType } from '../images/index.ts';
import { isFault, type Log, messageOf, untilAborted } from '../lib/index.ts';
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
  /** With a set, this process reads what is scanned. With a module, scan processes that load it do. */
  readonly inspectors: InspectorSet | InspectorModule;
  /** Starts a scan process; by default this process does. */
  readonly start?: StartProgram | undefined;
  /** Time after which a scan process without work ends; ms. */
  readonly idleMs?: number | undefined;
  /** Folder of the cache of layers. If undefined, nothing is cached. */
  readonly cacheDir?: string | undefined;
  /** Uses the cache without adding to it. */
  readonly readsCacheOnly?: boolean | undefined;
  readonly log: Log;
  /** Limit for each layer, folder, code or configuration; by default 10 min. */
  readonly timeoutMs?: number | undefined;
  readonly now?: (() => Date) | undefined;
}

const defaultTimeoutMs = 600_000;
/** The limit for the names in all layers together. */
const mostNameBytes = 48 * 1024 ** 2;
/** Faults that make one layer a gap. The other layers still count. */
const unreadable = new Set(['ARCHIVE_INVALID', 'ARCHIVE_TOO_LARGE', 'SCAN_TIMED_OUT']);

interface Parts {
  readonly analyst: Analyst;
  readonly judge: Judge;
  /** The revision of the analysers. @throws the signal's reason */
  readonly rules: (signal: AbortSignal) => Promise<string>;
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
  // The revision does not change, and asking a process again could wait for another user's scan.
  const rules = async (signal: AbortSignal) => known ?? untilAborted(signal, revision());
  const cache = openLayerCache(cacheDir, async () => known ?? revision(), readsCacheOnly);
  const parts = { analyst, judge, rules, cache, underWay: shareWork<LayerAnalysis>(), log };
  return {
    scanImage: (image, scan) => scanImage(parts, image, signalOf(scan)),
    scanArtifact: (artifact, scan) => scanArtifact(parts, artifact, signalOf(scan)),
    prepare: async () => {
      await revision();
    },
    scanLayer: async (layer, scan) => {
      await analysisOf(parts, layer, signalOf(scan));
    },
    scanFolder: async (dir, name, scan) =>
      judge.judged(
        { name, kind: 'folder' },
        await analyst.folder(dir, signalOf(scan)),
        await rules(signalOf(scan)),
      ),
    scanCode: async (code, { name, kind }, scan) => {
      const read = await analyst.code(Buffer.from(code), kind, signalOf(scan));
      const target = { name, kind: 'code', digest: digestOf(code) } as const;
      return judge.judged(target, read, await rules(signalOf(scan)));
    },
    scanSbom: async (sbom, name) =>
      judge.judged(
        { name, kind: 'sbom', digest: digestOf(sbom) },
        { inventory: (await import('./sbom/read-sbom.ts')).readSbom(sbom), findings: [] },
        // No analyser reads the content that an SBOM lists.
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
  // A history of another length does not describe these layers.
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
  return judge.judged(target, read, await rules(signal));
}

async function scanArtifact(parts: Parts, artifact: ArtifactSource, signal: AbortSignal): Promise<Report> {
  const { readArtifact } = await import('./artifact.ts');
  const target = { name: artifact.name, kind: 'artifact', digest: artifact.digest } as const;
  const read = await readArtifact(artifact, {
    layer: (layer) => analysisOf(parts, layer, signal),
    zip: (bytes) => parts.analyst.code(bytes, 'zip', signal),
  });
  return parts.judge.judged(target, read, await parts.rules(signal));
}

/** Returns an empty analysis with a gap if the layer can't be read. @throws Fault LAYER_MISMATCH */
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

/** Limits the memory for all layers of an image: drops statements that only SBOMs use, and leaves out layers, as a gap. */
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

/** Takes the analysis from the cache, or reads the layer. */
async function analysisOf(parts: Parts, layer: SourceLayer, signal: AbortSignal): Promise<LayerAnalysis> {
  const known = await untilAborted(signal, parts.cache.get(layer.digest));
  if (known !== undefined) return known;
  return parts.underWay.run(layer.digest, signal, async (end) => {
    const analysis = await parts.analyst.layer(layer, end);
    // A scan process that was taken over must not put its result under another digest.
    if (analysis.digest !== layer.digest)
      throw scannerFault('SCAN_FAILED', `the scan process answered for another layer than ${layer.digest}`);
    await parts.cache.put(analysis).catch((error: unknown) => {
      // Without the cache, the next scan reads the layer again.
      parts.log.warn(
        { layer: layer.digest, error: messageOf(error) },
        'the analysis of a layer could not be cached',
      );
    });
    return analysis;
  });
}

/** Aborts all work after the first failure. */
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
