/** `ward image scan`: finds a target, scans it, and judges it, without a server and without root. */
import { applyVex, type Case, judge, parseVex } from '../../gate/index.ts';
import { createLog, findAbilities } from '../../lib/index.ts';
import {
  archiveSource,
  createInspectors,
  createScanner,
  decompressed,
  type Finding,
  type ImageSource,
  type JudgedReport,
  layoutSource,
  openAdvisories,
  type Report,
  type Scanner,
  spooled,
  startDirectly,
} from '../../scanner/index.ts';
import { vexInForce } from '../admin/vex.ts';
import { advisoriesPath } from '../advisories/by-hand.ts';
import { buildInfo } from '../build-info.ts';
import { loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { guest } from '../first-namespace.ts';
import { beforeOf, type FoundBase, findBase, type ScanBase, withBefore, withoutFindings } from './base.ts';
import { checkLayers, layerCacheOf } from './layer-cache.ts';
import { judgedReport } from './outcome.ts';
import { type ScanPolicyFlags, scanPolicy } from './policy.ts';
import { findTarget, pipedName, type ScanTarget } from './target.ts';

export interface ScanRequest extends ScanPolicyFlags {
  /** `-` reads from `stdin`. */
  readonly target: string;
  readonly stdin: AsyncIterable<Buffer | string>;
  /** A baseline whose findings do not count; undefined: all findings count. */
  readonly base?: ScanBase | undefined;
  /** `linux/arm64`; undefined: this machine's. */
  readonly platform?: string | undefined;
  /** The file of advisories; undefined: the one in the data folder. */
  readonly advisories?: string | undefined;
  /** Undefined: `guest`. */
  readonly namespace?: string | undefined;
  /** VEX documents, trusted because the user of the command gave them. */
  readonly vex: readonly Uint8Array[];
  /** Classes that don't count. */
  readonly without: readonly Finding['class'][];
  /** A folder with rules files that replace Ward's files of the same name. */
  readonly rulesDir?: string | undefined;
  readonly onProgress: (text: string) => void;
}

/**
 * @throws Fault SCAN_TARGET_INVALID, FLAG_INVALID, REPORT_INVALID, POLICY_INVALID, RULES_INVALID, VEX_INVALID, SBOM_INVALID,
 *   LAYER_MISMATCH, and those of the image room
 */
export async function scanByHand(request: ScanRequest): Promise<JudgedReport> {
  const config = await loadConfig(request);
  const namespace = request.namespace ?? guest;
  // Reports wrong flags before anything is read.
  const policy = await scanPolicy(request, namespace);
  const statements = [
    ...(await vexInForce(request)).vex.statements,
    ...request.vex.flatMap((bytes) => parseVex(bytes)),
  ];
  const architecture = architectureOf(request.platform);
  const isPiped = request.target === '-';
  await using piped = isPiped ? await spooled(request.stdin) : undefined;
  const target = await findTarget(request.target, config.imagesDir, piped?.path);
  const base = await findBase(request.base, config.imagesDir);
  const inspectors = await createInspectors({ rulesDir: request.rulesDir, without: request.without });
  using advisories = openAdvisories({ path: await advisoriesPath(request) });
  const cache = await layerCacheOf(config.dataDir);
  // For root, another user reads the files; of root's files only those that root named.
  const isApart = (await findAbilities()).canBecome;
  const named = foldersOf([target, ...(base !== undefined && 'target' in base ? [base.target] : [])]);
  await using scanner = createScanner({
    matcher: advisories,
    inspectors: isApart ? inspectors.elsewhere : await inspectors.here(),
    start: startDirectly(named.length === 0 ? undefined : named),
    ...cache,
    log: createLog('error'),
  });
  const check = cache.cacheDir === undefined ? undefined : checkLayers;
  const name = isPiped ? pipedName : request.target;
  const how = { onProgress: request.onProgress, architecture, check };
  // Reads the base first: its errors then come before the longer scan of the target.
  const earlier = base && (await scanBase(scanner, base, how));
  const found = await scanTarget(scanner, target, { ...how, target: name });
  const report = applyVex(leaveOut(found, request.without), statements);
  const before = earlier && base && beforeOf(report, earlier, base.name);
  const counted = before === undefined ? report : withoutFindings(report, before.findings);
  const verdict = judge(policy, caseOf(counted, namespace));
  const judged = judgedReport(policy, counted, verdict, buildInfo.buildno);
  return before === undefined ? judged : withBefore(judged, report, before);
}

function foldersOf(targets: readonly ScanTarget[]): readonly string[] {
  return targets.flatMap((target) => (target.kind === 'folder' ? [target.path] : []));
}

/** Matches an earlier report again, so that newer advisories do not count as new findings. */
async function scanBase(scanner: Scanner, base: FoundBase, how: Omit<TargetScan, 'target'>): Promise<Report> {
  if ('report' in base) return await scanner.rejudge(base.report);
  return await scanTarget(scanner, base.target, { ...how, target: base.name });
}

interface TargetScan extends Pick<ScanRequest, 'target' | 'onProgress'> {
  readonly architecture: string | undefined;
  /** Called with an image before its scan. */
  readonly check: ((image: ImageSource) => Promise<void>) | undefined;
}

async function scanTarget(
  scanner: Scanner,
  target: ScanTarget,
  { target: name, onProgress, architecture, check }: TargetScan,
): Promise<Report> {
  switch (target.kind) {
    case 'sbom':
      return await scanner.scanSbom(target.bytes, name);
    case 'folder':
      onProgress(`reading ${target.path}`);
      return await scanner.scanFolder(target.path, name);
    case 'layout':
      return await scanLaid(await layoutSource(name, target.path, { tag: target.tag, architecture }));
    case 'archive': {
      onProgress(`reading ${target.path}`);
      await using archive = await decompressed(target.path, name);
      return await scanLaid(await archiveSource(name, archive.path, { tag: target.tag, architecture }));
    }
  }

  async function scanLaid(image: ImageSource): Promise<Report> {
    await check?.(image);
    return await scanner.scanImage(withProgress(image, onProgress));
  }
}

function leaveOut(report: Report, classes: readonly Finding['class'][]): Report {
  return { ...report, findings: report.findings.filter((finding) => !classes.includes(finding.class)) };
}

function withProgress(image: ImageSource, onProgress: (text: string) => void): ImageSource {
  let opened = 0;
  const layers = image.layers.map((layer) => ({
    ...layer,
    open: () => {
      opened = Math.min(opened + 1, image.layers.length);
      onProgress(`reading layer ${opened} of ${image.layers.length}`);
      return layer.open();
    },
  }));
  return { ...image, layers };
}

/** A folder or an SBOM without a distribution is not an image, so rules about images do not apply. */
function caseOf(report: Report, namespace: string): Case {
  const { target, inventory } = report;
  const isImage = target.kind === 'image' || inventory.distribution !== undefined;
  return {
    stage: 'push',
    namespace,
    kind: isImage ? 'image' : 'code',
    digest: target.digest,
    report,
    now: Date.now(),
  };
}

/** `linux/arm64`, `linux/arm64/v8`. */
function architectureOf(platform: string | undefined): string | undefined {
  if (platform === undefined) return undefined;
  const architecture = /^linux\/([a-z0-9]{1,20})(?:\/v\d+)?$/.exec(platform)?.[1];
  if (architecture !== undefined) return architecture;
  throw serverFault('FLAG_INVALID', `unknown platform '${platform}'`, {
    hint: 'write it like linux/arm64',
  });
}
