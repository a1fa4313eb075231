/**
 * Makes a fresh machine ready for Ward: host programs, npm packages, runtime images. Looks first, says what it
 * will do, does only that, and ends in one line. Needs nothing but a Node ≥ 18 and npm. Safe to run twice at
 * once: whoever changes something holds a lock, and looks again after getting it.
 *
 *   node scripts/setup.mjs                  everything
 *   node scripts/setup.mjs --packages-only  npm packages only
 *   node scripts/setup.mjs --no-images      no runtime images
 *
 * Exit codes: 0 ready, 1 a step failed, 2 a person has to do what it printed.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildImages, imageStoreDir, imagesAreReady } from './setup/images.mjs';
import * as npm from './setup/packages.mjs';
import { SetupError, startLog, tailOf } from './setup/process.mjs';
import * as system from './setup/system.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, '.cache/setup');
const startedAt = Date.now();
const lockTaken = 'WARD_SETUP_LOCKED';
const lockBusy = 75;

/** @typedef {{title: string, run: () => Promise<void>}} Step */

try {
  process.exitCode = await main(readArguments(process.argv.slice(2)));
} catch (error) {
  process.exitCode = report(error);
}

async function main(scope) {
  const steps = await planSteps(scope);
  if (steps.length === 0) {
    npm.linkWard(root);
    say(`ready in ${elapsed(startedAt)}, nothing to do`);
    return 0;
  }
  if (process.env[lockTaken] === undefined) return rerunUnderLock();
  say(`Ward needs ${steps.length === 1 ? 'one step' : `${steps.length} steps`} to be ready:`);
  for (const [index, step] of steps.entries()) say(`  ${index + 1}. ${step.title}`);
  for (const [index, step] of steps.entries()) await perform(step, `${index + 1}/${steps.length}`);
  npm.linkWard(root);
  say(`ready in ${elapsed(startedAt)}`);
  return 0;
}

/** @returns {Promise<Step[]>} */
async function planSteps(scope) {
  const isCurrent = npm.packagesAreCurrent(root);
  const [missing, hasImages] = await Promise.all([
    scope.system ? system.missingPrograms() : [],
    // Without packages nothing can look into the image store: the step itself looks again.
    scope.images && isCurrent ? imagesAreReady(root) : !scope.images,
  ]);
  const steps = [];
  if (missing.length > 0) steps.push(systemStep(missing));
  if (!isCurrent)
    steps.push({
      title: 'install the npm packages of the lock file (npm ci)',
      run: () => npm.installPackages(root, startLog(join(cache, 'npm.log'))),
    });
  if (!hasImages)
    steps.push({
      title: `build the runtime images into ${imageStoreDir()}, unless they are there`,
      run: async () => {
        if (!(await imagesAreReady(root))) await buildImages(root, startLog(join(cache, 'images.log')));
      },
    });
  return steps;
}

/** @returns {Step} */
function systemStep(missing) {
  const packages = system.packagesOf(missing);
  const reasons = missing.map((program) => `${program.name} ${program.why}`).join('; ');
  return {
    title: `install Debian packages: ${packages.join(' ')} (${reasons})`,
    run: async () => {
      await system.installPackages(packages, startLog(join(cache, 'apt.log')));
      const still = await system.missingPrograms();
      if (still.length === 0) return;
      const names = still.map((program) => program.name).join(', ');
      throw new SetupError(`still missing after the installation: ${names}`, { log: join(cache, 'apt.log') });
    },
  };
}

async function perform(step, position) {
  const from = Date.now();
  process.stdout.write(`[${position}] ${step.title.replace(/ \(.*/, '')} … `);
  try {
    await step.run();
  } catch (error) {
    process.stdout.write('failed\n');
    throw error;
  }
  process.stdout.write(`done in ${elapsed(from)}\n`);
}

/** Starts this set-up again as the only one in this checkout; the kernel drops the lock however it ends. */
function rerunUnderLock() {
  mkdirSync(cache, { recursive: true });
  const again = [join(cache, 'lock'), process.execPath, ...process.argv.slice(1)];
  const run = (how) =>
    spawnSync('flock', [...how, '-o', '-E', String(lockBusy), ...again], {
      stdio: 'inherit',
      env: { ...process.env, [lockTaken]: '1' },
    });
  let outcome = run(['-n']);
  if (outcome.status === lockBusy) {
    say('another set-up of this checkout is running, waiting for it');
    outcome = run(['-w', '3600']);
  }
  if (outcome.error) throw new SetupError(`flock (util-linux) does not start: ${outcome.error.message}`);
  return outcome.status ?? 1;
}

function readArguments(args) {
  const known = ['--packages-only', '--no-images'];
  const unknown = args.find((argument) => !known.includes(argument));
  if (unknown !== undefined)
    throw new SetupError(`unknown argument ${unknown}; known: ${known.join(', ')}`, { exitCode: 2 });
  const packagesOnly = args.includes('--packages-only');
  return { system: !packagesOnly, images: !packagesOnly && !args.includes('--no-images') };
}

function report(error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`set-up: ${error.message}\n`);
  if (error.log !== undefined) process.stderr.write(`--- end of ${error.log}\n${tailOf(error.log)}\n---\n`);
  return error.exitCode;
}

function elapsed(from) {
  return `${((Date.now() - from) / 1000).toFixed(1)} s`;
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
