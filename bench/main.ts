/**
 * `npm run bench`: Ward's overhead, as ratios to bare baselines in the same run. Rounds of baseline and Ward alternate,
 * so that a slow minute of the machine hits both. Each figure is the median of its rounds.
 *
 *   npm run bench              everything
 *   npm run bench -- warm      one part: warm, events, cold, gvisor, idle, list, cluster, placement, postgres, registry, scan,
 *                              command, console or tracing
 *   BENCH_AGAINST=DIR npm run bench -- against    this checkout against another one
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../src/lib/index.ts';
import { enterIsolation, isIsolated } from '../src/sandbox/index.ts';
import { benchAgainst } from './against.ts';
import { benchCluster } from './cluster.ts';
import { benchCold } from './cold.ts';
import { benchCommand } from './command.ts';
import { benchConsole } from './console.ts';
import { benchEvents } from './events.ts';
import { benchGvisor } from './gvisor.ts';
import { benchIdle } from './idle.ts';
import { benchList } from './list.ts';
import { benchPlacement } from './placement.ts';
import { benchPostgres } from './postgres.ts';
import { benchRegistry } from './registry.ts';
import { benchScan } from './scan.ts';
import { printTable, type Row } from './table.ts';
import { benchTracing } from './tracing.ts';
import { benchWarm } from './warm.ts';

const parts: Readonly<Record<string, (folder: string) => Promise<readonly Row[]>>> = {
  warm: benchWarm,
  events: benchEvents,
  cold: benchCold,
  gvisor: benchGvisor,
  idle: benchIdle,
  list: benchList,
  cluster: benchCluster,
  placement: benchPlacement,
  postgres: benchPostgres,
  registry: benchRegistry,
  scan: benchScan,
  command: benchCommand,
  console: benchConsole,
  tracing: benchTracing,
  against: benchAgainst,
};

const wanted = process.argv.slice(2);
if (wanted.some((word) => !Object.hasOwn(parts, word))) {
  console.error(
    `usage: npm run bench -- [PART…]\nParts: ${Object.keys(parts).join(', ')}; without one, all.`,
  );
  process.exit(wanted.includes('--help') ? 0 : 2);
}
// The baselines start the OCI runtime too, and it needs the same environment as in Ward.
if (!isIsolated()) {
  enterIsolation([process.execPath, fileURLToPath(import.meta.url), ...wanted]);
}
// Its help ends with 1. A program that is missing fails here.
await runCommand(['wrk', '-v']);
const folder = await mkdtemp(join(tmpdir(), 'ward-bench-'));
try {
  const rows: Row[] = [];
  for (const [name, run] of Object.entries(parts)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    process.stderr.write(`${name} …\n`);
    rows.push(...(await run(folder)));
  }
  printTable(rows);
  process.exitCode = rows.every((row) => row.isMet !== false) ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
