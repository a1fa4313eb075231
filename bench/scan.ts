/**
 * Scanning an image of Node.js with 100 packages of Debian and 400 of npm, against `zcat | sha256sum` over its layers,
 * the least work that checks their digests. Then what needs no second read: layers that were scanned before, and images
 * that are judged by other advisories.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mustRun, silentLog } from '../src/lib/index.ts';
import {
  advisoryInputs,
  type Component,
  createScanner,
  importAdvisories,
  layoutSource,
  openAdvisories,
} from '../src/scanner/index.ts';
import { writeAdvisories } from './scan-advisories.ts';
import { makeNodeImage } from './scan-image.ts';
import type { ScanFigures } from './scan-process.ts';
import { median, ms, type Row } from './table.ts';

const mostTimes = 1.3;
const allowanceMs = 300;
const mostMiB = 300;
const rejudgeMs = 10_000;
const program = fileURLToPath(new URL('scan-process.ts', import.meta.url));

export async function benchScan(folder: string): Promise<readonly Row[]> {
  const own = join(folder, 'scan');
  await mkdir(own, { recursive: true });
  const { layout } = await makeNodeImage(join(own, 'image'));
  await importAll(own, await componentsOf(layout));
  const output = await mustRun([process.execPath, program, own, layout], { timeoutMs: 600_000 });
  const figures: ScanFigures = JSON.parse(output);
  const bare = median(figures.baseline);
  const first = median(figures.first);
  const again = median(figures.again);
  const most = bare * mostTimes + allowanceMs;
  return [
    {
      what: `scan of a Node.js image (${figures.components} components, ${figures.findings} findings)`,
      baseline: `zcat \\| sha256sum ${ms(bare)}`,
      ward: ms(first),
      result: `${(first / bare).toFixed(2)} ×`,
      target: `≤ ${mostTimes} × + ${allowanceMs} ms`,
      isMet: first <= most,
    },
    {
      what: 'scan of the same image again',
      baseline: '–',
      ward: ms(again),
      result: `${((100 * again) / first).toFixed(0)} %`,
      target: 'reported',
      isMet: undefined,
    },
    {
      what: 'peak memory of scanning and judging',
      baseline: '–',
      ward: `${figures.peakMiB.toFixed(0)} MiB`,
      result: `${figures.peakMiB.toFixed(0)} MiB`,
      target: `< ${mostMiB} MiB`,
      isMet: figures.peakMiB < mostMiB,
    },
    {
      what: `judging ${figures.rejudged} stored images by new advisories`,
      baseline: '–',
      ward: ms(figures.rejudgeMs),
      result: ms(figures.rejudgeMs),
      target: `≤ ${rejudgeMs / 1000} s`,
      isMet: figures.rejudgeMs <= rejudgeMs,
    },
  ];
}

async function componentsOf(layout: string): Promise<readonly Component[]> {
  using matcher = openAdvisories({ path: join(layout, 'none.db') });
  const quiet = { inspectors: { files: [], config: [] }, log: silentLog };
  await using scanner = createScanner({ ...quiet, matcher });
  return (await scanner.scanImage(await layoutSource('bench:v1', layout, {}))).inventory.components;
}

async function importAll(folder: string, components: readonly Component[]): Promise<void> {
  for (const [name, year] of [
    ['advisories.db', 2025],
    ['later.db', 2026],
  ] as const) {
    const file = join(folder, 'advisories.ndjson.gz');
    await writeAdvisories(file, components, year);
    await importAdvisories({ path: join(folder, name), inputs: await advisoryInputs(file) });
  }
}
