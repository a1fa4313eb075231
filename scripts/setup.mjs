/**
 * Makes a fresh machine ready for Ward: host programs, the server's account, npm packages, runtime images, the
 * console, the command `ward`. Looks first, says what it will do, does only that, and ends in one line. Needs nothing but a Node ≥ 18
 * and npm. Safe to run twice at once: a run that changes something holds a lock, and looks again after getting it.
 *
 *   node scripts/setup.mjs                  everything
 *   node scripts/setup.mjs --packages-only  npm packages only
 *   node scripts/setup.mjs --no-images      no runtime images
 *   node scripts/setup.mjs --no-link        no command on the path (nor with WARD_NO_LINK=1)
 *   node scripts/setup.mjs --tests          what the tests need, too
 *   node scripts/setup.mjs --bench          what the benchmarks need, too
 *   node scripts/setup.mjs --lsm            what the test of LSM hosts needs, too
 *   node scripts/setup.mjs --plan           says what it would do, and does nothing
 *
 * Exit codes: 0 ready, 1 a step failed (or, with --plan, there is something to do), 2 a person must type the printed
 * commands.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { linkCommand } from './setup/link.mjs';
import { linkWard } from './setup/packages.mjs';
import { endOnSignals, rootPrefix, runInstead, SetupError, startLog, tailOf } from './setup/process.mjs';
import { planSteps } from './setup/steps.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cacheDir = join(root, '.cache/setup');
const startedAt = Date.now();
const lockTaken = 'WARD_SETUP_LOCKED';
const lockBusy = 75;

endOnSignals();
try {
  process.exitCode = await main(readArguments(process.argv.slice(2)));
} catch (error) {
  process.exitCode = report(error);
}

async function main(scope) {
  const steps = await planSteps({ root, cacheDir, scope });
  if (steps.length === 0) {
    linkWard(root);
    if (scope.link && !scope.planOnly) await tellLink();
    say(`ready in ${elapsed(startedAt)}, nothing to do`);
    return 0;
  }
  const prefix = rootPrefix();
  const blocked = steps.flatMap((step) => step.obstacle(prefix) ?? []);
  const isDoable = blocked.length < steps.length;
  if (isDoable && !scope.planOnly && process.env[lockTaken] === undefined) return rerunUnderLock();
  tellPlan(steps);
  if (scope.planOnly) return 1;
  const doable = steps.filter((step) => step.obstacle(prefix) === undefined);
  for (const [index, step] of doable.entries())
    await perform(step, prefix ?? [], `${index + 1}/${doable.length}`);
  linkWard(root);
  if (scope.link) await tellLink();
  if (blocked.length > 0) throw new SetupError(blocked.join('\n'), { exitCode: 2 });
  say(`ready in ${elapsed(startedAt)}`);
  return 0;
}

async function tellLink() {
  const log = startLog(join(cacheDir, 'link.log'));
  const said = await linkCommand({ root, log, prefix: rootPrefix() });
  if (said !== undefined) say(said);
}

function tellPlan(steps) {
  say(`Ward needs ${steps.length === 1 ? 'one step' : `${steps.length} steps`} to be ready:`);
  for (const [index, step] of steps.entries()) say(`  ${index + 1}. ${step.title} (${step.why})`);
}

async function perform(step, prefix, position) {
  const from = Date.now();
  process.stdout.write(`[${position}] ${step.title} … `);
  try {
    await step.run(prefix);
  } catch (error) {
    process.stdout.write('failed\n');
    throw error;
  }
  process.stdout.write(`done in ${elapsed(from)}\n`);
}

/** Starts this set-up again as the only one in this checkout; the kernel drops the lock however it ends. */
async function rerunUnderLock() {
  mkdirSync(cacheDir, { recursive: true });
  const again = [join(cacheDir, 'lock'), process.execPath, ...process.argv.slice(1)];
  const run = (how) =>
    // It executes the set-up itself, so that signals reach it; Node does not pass the lock on to programs that it starts.
    runInstead(['flock', ...how, '-F', '-E', String(lockBusy), ...again], {
      ...process.env,
      [lockTaken]: '1',
    });
  let code = await run(['-n']);
  if (code === lockBusy) {
    say('another set-up of this checkout is running, waiting for it');
    code = await run(['-w', '3600']);
  }
  if (code === 127) throw new SetupError('flock (util-linux) does not start');
  return code;
}

function readArguments(args) {
  const known = ['--packages-only', '--no-images', '--no-link', '--tests', '--bench', '--lsm', '--plan'];
  const unknown = args.find((argument) => !known.includes(argument));
  if (unknown !== undefined)
    throw new SetupError(`unknown argument ${unknown}; known: ${known.join(', ')}`, { exitCode: 2 });
  const packagesOnly = args.includes('--packages-only');
  const isForDevelopers = ['--tests', '--bench', '--lsm'].some((flag) => args.includes(flag));
  const isLinkless = args.includes('--no-link') || (process.env.WARD_NO_LINK ?? '') !== '';
  return {
    system: !packagesOnly,
    tests: args.includes('--tests'),
    bench: args.includes('--bench'),
    lsm: args.includes('--lsm'),
    console: !packagesOnly,
    images: !packagesOnly && !args.includes('--no-images'),
    // Tests in a checkout must not change the command of the machine's users.
    link: !packagesOnly && !isForDevelopers && !isLinkless,
    planOnly: args.includes('--plan'),
  };
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
