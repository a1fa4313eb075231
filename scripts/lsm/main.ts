/**
 * `npm run test:lsm`: boots a Debian with AppArmor and one with SELinux, both emulated (qemu, no KVM), runs the test
 * in `guest/` in them, and prints the result. Exits with 1 when a check failed, and with 2 when the test can't run.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryFileLock } from '../../src/lib/index.ts';
import { type BootResult, boot, type Lsm, lsms, type Machine } from './boot.ts';
import { cacheDir, projectRoot } from './cache.ts';
import { makeProjectDisk, openPackagesDisk } from './disks.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { openSystem } from './system.ts';

const startedAt = performance.now();
const logsDir = join(projectRoot, '.cache/lsm');

if (process.arch !== 'x64' || process.geteuid?.() !== 0) {
  console.error('test:lsm needs root (to make the disk of a system), and an x86-64 machine');
  process.exit(2);
}
const wanted = lsms.filter((lsm) => process.argv.length <= 2 || process.argv.includes(lsm));
process.exitCode = (await main(wanted)) ? 0 : 1;

async function main(which: readonly Lsm[]): Promise<boolean> {
  await mkdir(cacheDir, { recursive: true });
  await mkdir(logsDir, { recursive: true });
  using _ = await lockCache();
  const folder = await mkdtemp(join(cacheDir, 'run-'));
  try {
    const machine = await openMachine(folder);
    tell(`booting ${which.join(' and ')}`);
    const outcomes = await Promise.all(which.map(async (lsm) => show(lsm, await boot(machine, lsm, folder))));
    const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
    const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
    tell(`LSM hosts: ${passed} passed, ${failed} failed`);
    return failed === 0;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Most of the time goes by in one process at a time, so the system is made beside the other disks. */
async function openMachine(folder: string): Promise<Machine> {
  const openDisks = async () => ({
    packagesDisk: await openPackagesDisk(process.env['WARD_IMAGES'] || '/var/lib/ward/images', tell),
    projectDisk: await makeProjectDisk(folder),
  });
  const [system, disks] = await Promise.all([openSystem(tell), openDisks()]);
  return { system, ...disks };
}

/** Waits for another run, which may be creating what this one needs. */
async function lockCache(): Promise<Disposable> {
  for (;;) {
    const lock = tryFileLock(join(cacheDir, 'lock'));
    if (lock !== undefined) return lock;
    await sleep(500);
  }
}

async function show(lsm: Lsm, result: BootResult): Promise<Outcome> {
  const outcome = outcomeOf(lsm, result.output);
  const log = join(logsDir, `${lsm}.log`);
  await writeFile(log, `${result.console}\n--- the test\n${result.output}`);
  console.log(`\n${lsm}, ${result.seconds.toFixed(0)} s`);
  for (const line of outcome.lines) console.log(line);
  if (outcome.failed > 0) {
    console.log(`--- end of ${log}\n${result.console.slice(-3000)}\n${result.output.slice(-6000)}\n---`);
  }
  return outcome;
}

function tell(step: string): void {
  console.log(`${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)} s  ${step}`);
}
