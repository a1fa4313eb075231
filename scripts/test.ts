/**
 * Runs the tests where sandboxes can be made: in a mount and a pid namespace of their own, so that what a test leaves
 * behind ends with it. Arguments go to Vitest. Ends with a line `N passed, N failed, N skipped`, and before it the ten
 * slowest files, and a line for each test that passed only when it was run again (`--retry=1`). With
 * `WARD_TEST_ON=postgres` or `cluster`, the servers of end-to-end tests are others (`test/engine-switch.ts`). Then a line
 * tells what became of each file, and without arguments only the tests that start servers run.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCommand } from '../src/lib/index.ts';
import { enterIsolation, isIsolated } from '../src/sandbox/index.ts';
import { filesToSwitch, startTestEngines } from '../test/engine-switch.ts';
import { closingLines, fileLines, type TestReport } from './test-report.ts';

const args = process.argv.slice(2);
if (process.getuid?.() === 0 && !isIsolated()) {
  enterIsolation([process.execPath, fileURLToPath(import.meta.url), ...args]);
}
if (!isIsolated()) console.error('not root: tests that make sandboxes are skipped');

const folder = mkdtempSync(join(tmpdir(), 'ward-tests-'));
const reportFile = join(folder, 'report.json');
const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
// Tests start many processes; this is where Ward's own keep what they have compiled, too.
const compiled = join(root, 'node_modules/.cache/ward');
const engines = await startTestEngines();
const isSwitched = Object.keys(engines.env).length > 0;
const namesFiles = args.some((arg) => !arg.startsWith('-'));
const chosen = isSwitched && !namesFiles ? [...args, ...filesToSwitch(root)] : args;
const child = startCommand(
  [
    process.execPath,
    vitest,
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportFile}`,
    ...chosen,
  ],
  { stdio: 'inherit', cwd: root, env: { ...process.env, ...engines.env, NODE_COMPILE_CACHE: compiled } },
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? 1)));
process.exitCode = code === 0 ? summarise() : code;
if (code !== 0) summarise();
await engines[Symbol.asyncDispose]();
rmSync(folder, { recursive: true, force: true });

/** Prints the closing lines; 1 when no test ran, so that an empty run is not a success. */
function summarise(): number {
  const report = readReport();
  if (!report) return 1;
  const files = isSwitched ? fileLines(report, root) : [];
  console.log([...files, ...closingLines(report, root, code)].join('\n'));
  return report.numPassedTests > 0 ? 0 : 1;
}

function readReport(): TestReport | undefined {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8')) as TestReport;
  } catch {
    return undefined;
  }
}
