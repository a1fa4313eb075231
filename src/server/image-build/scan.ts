/** Scans an image after its build, and judges it like the gate of this Ward. */
import { judge, type Policy, type SigningKey } from '../../gate/index.ts';
import { type FunctionImage, readImage } from '../../images/index.ts';
import { createLog } from '../../lib/index.ts';
import {
  createInspectors,
  createScanner,
  type JudgedReport,
  layoutSource,
  openAdvisories,
} from '../../scanner/index.ts';
import { buildInfo } from '../build-info.ts';
import { guest } from '../first-namespace.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { checkLayers, layerCacheOf } from '../scan/layer-cache.ts';
import { judgedReport } from '../scan/outcome.ts';

interface BuiltScanOptions {
  readonly dataDir: string;
  readonly policy: Policy;
  /** The layout with the image under this name. */
  readonly layoutDir: string;
  readonly name: string;
  readonly image: FunctionImage;
  /** The key that will sign it. */
  readonly key: SigningKey | undefined;
  readonly onProgress: (text: string) => void;
}

/** @throws Fault POLICY_INVALID, RULES_INVALID, ADVISORIES_CORRUPT, SCAN_TARGET_INVALID, and those of reading images */
export async function scanBuilt(options: BuiltScanOptions): Promise<JudgedReport> {
  const { policy, layoutDir, name, image, key, onProgress } = options;
  const paths = gatePaths(options.dataDir);
  const log = createLog('error');
  const { elsewhere } = await createInspectors();
  // All images on the same base share its layers.
  const cache = await layerCacheOf(options.dataDir);
  using advisories = openAdvisories({ path: paths.advisories });
  await using scanner = createScanner({
    matcher: advisories,
    inspectors: elsewhere,
    ...cache,
    log,
  });
  onProgress(`scanning ${name}`);
  const source = await layoutSource(name, layoutDir, { tag: name });
  if (cache.cacheDir !== undefined) await checkLayers(source);
  const report = await scanner.scanImage(source);
  const { config } = await readImage(layoutDir, image.descriptor);
  const baseLayers = image.layers.filter(({ role }) => role === 'base').length;
  const verdict = judge(policy, {
    stage: 'push',
    namespace: name.includes('/') ? (name.split('/')[0] ?? guest) : guest,
    kind: 'image',
    digest: image.digest,
    report,
    signatures: key === undefined ? [] : [{ keyId: key.id, logEntries: 0, reference: name, annotations: {} }],
    bases: [
      {
        ...image.base,
        diffIds: config.rootfs.diff_ids.slice(0, baseLayers),
        builtByWard: true,
        signedBy: [],
      },
    ],
    now: Date.now(),
  });
  return judgedReport(policy, report, verdict, buildInfo.buildno);
}
