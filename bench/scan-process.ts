/**
 * Scans an image and judges it in a process of its own, so that its memory is that of scanning alone:
 * `node scan-process.ts FOLDER LAYOUT`, with `advisories.db` and, for judging again, `later.db` in the folder. Prints
 * one line of JSON. Rounds of `zcat | sha256sum` over the layers and of scanning them alternate.
 */
import { createHash } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestOf } from '../src/blobs/index.ts';
import { createGate, defaultPolicy, openGateStore } from '../src/gate/index.ts';
import { mustRun, silentLog } from '../src/lib/index.ts';
import {
  createInspectors,
  createScanner,
  layoutSource,
  openAdvisories,
  type Report,
} from '../src/scanner/index.ts';
import { peakMemoryMiB } from '../test/peak-memory.ts';

export interface ScanFigures {
  readonly baseline: readonly number[];
  readonly first: readonly number[];
  readonly again: readonly number[];
  readonly components: number;
  readonly findings: number;
  readonly peakMiB: number;
  readonly rejudgeMs: number;
  readonly rejudged: number;
}

const rounds = 5;
const storedImages = 1000;
/** Number of each stored image's components that no other image has. */
const ownComponents = 50;

const [folder = '', layout = ''] = process.argv.slice(2);
const path = join(folder, 'advisories.db');
const image = await layoutSource('bench:v1', layout, {});
const { elsewhere } = await createInspectors();
const common = { inspectors: elsewhere, log: silentLog };

using matcher = openAdvisories({ path });
const figures: ScanFigures = { ...(await scanRounds()), ...(await rejudgeRound()) };
console.log(JSON.stringify(figures));

async function scanRounds() {
  const samples = { baseline: [] as number[], first: [] as number[], again: [] as number[] };
  await using scanner = createScanner({ ...common, matcher });
  const { inventory, findings } = await scanner.scanImage(image);
  for (let round = 0; round < rounds; round++) {
    samples.baseline.push(await timed(hashLayers));
    samples.first.push(await timed(() => scanner.scanImage(image)));
  }
  const figures = {
    components: inventory.components.length,
    findings: findings.length,
    peakMiB: await peakMemoryMiB(process.pid),
  };
  await using caching = createScanner({ ...common, matcher, cacheDir: join(folder, 'layers') });
  await caching.scanImage(image);
  for (let round = 0; round < rounds; round++) {
    samples.again.push(await timed(() => caching.scanImage(image)));
  }
  return { ...samples, ...figures };
}

/** The least work that checks the layers against their digests. */
async function hashLayers(): Promise<void> {
  const files = await Promise.all(
    image.layers.map(async ({ localFile }) => (await localFile?.())?.path ?? ''),
  );
  await mustRun(['sh', '-c', 'for layer; do zcat "$layer" | sha256sum; done', 'sh', ...files]);
}

async function rejudgeRound() {
  await using scanner = createScanner({ ...common, matcher, cacheDir: join(folder, 'layers') });
  await using store = await openGateStore({ path: join(folder, 'gate.db') });
  const policy = defaultPolicy();
  const gate = createGate({
    policy: () => policy,
    revisions: () => ({ policy: policy.revision, advisories: matcher.state()?.revision, vex: '' }),
    store,
    scanner,
    companions: async () => [],
    bases: async () => [],
    vex: async () => ({ revision: '', statements: [] }),
    log: silentLog,
  });
  const report = await scanner.scanImage(image);
  for (let index = 0; index < storedImages; index++) {
    const digest = digestOf(`image ${index}`);
    await store.putReport({ kind: 'image', digest }, variantOf(report, index, digest));
    await gate.admitDeploy({ namespace: 'bench', actor: 'bench', action: `action-${index}`, digest });
  }
  await rename(join(folder, 'later.db'), path);
  matcher.refresh();
  const start = performance.now();
  const { judged, failed } = await gate.rejudgeAll();
  const rejudgeMs = performance.now() - start;
  await gate.close();
  if (failed > 0) throw new Error(`${failed} reports could not be judged again`);
  return { rejudgeMs, rejudged: judged };
}

/** A report on a similar image, with some packages in versions that no other image has. */
function variantOf(report: Report, index: number, digest: Digest): Report {
  const { inventory, target } = report;
  const first = (index * 7) % Math.max(1, inventory.components.length - ownComponents);
  const components = inventory.components.map((component, at) => {
    if (at < first || at >= first + ownComponents) return component;
    const version = `1.${index}.${Number.parseInt(createHash('md5').update(component.purl).digest('hex').slice(0, 4), 16)}`;
    return { ...component, version, purl: `${component.purl.split('@')[0]}@${version}`, source: undefined };
  });
  return { ...report, target: { ...target, digest }, inventory: { ...inventory, components } };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
