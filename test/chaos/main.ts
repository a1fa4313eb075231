/** `npm run test:chaos`: every fault in turn, under load. Exit code 1 when Ward broke a promise. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { enterIsolation, isIsolated } from '../../src/sandbox/index.ts';
import { missingForSandboxes } from '../ward.ts';
import { faults } from './faults.ts';
import { type Break, breaks } from './mutations.ts';
import { tableOf, violationLines } from './report.ts';
import { type FaultOutcome, runFault } from './run.ts';

const usage = `usage: npm run test:chaos -- [--minutes N] [--seed N] [--only FAULT,…] [--break PART] [--list] [--help]

  --minutes N     for all faults together; 10 by default
  --seed N        of moments and choices; a new one by default, which is printed
  --only FAULT,…  these alone, with all of the time
  --break PART    takes a part of Ward out, which has to be found out: ${breaks.join(', ')}
  --list          the faults`;

const options = readOptions();
if (process.getuid?.() === 0 && !isIsolated())
  enterIsolation([
    process.execPath,
    ...process.execArgv,
    fileURLToPath(import.meta.url),
    ...process.argv.slice(2),
  ]);
const missing = missingForSandboxes();
if (missing !== undefined) refuse(missing);
console.log(`seed ${options.seed}`);
const outcomes = new Map<string, FaultOutcome>();
const eachMs = (options.minutes * 60_000) / options.chosen.length;
const began = performance.now();
for (const [index, fault] of options.chosen.entries()) {
  console.log(`${fault.name}: ${fault.what}`);
  // If a fault takes longer, the others get less time.
  const left = began + eachMs * (index + 1) - performance.now();
  const outcome = await runFault(fault, { forMs: left, seed: options.seed, broken: options.broken });
  outcomes.set(fault.name, outcome);
  for (const line of violationLines(outcome)) console.log(line);
}
console.log(tableOf(outcomes).join('\n'));
const bad = [...outcomes.values()].reduce((sum, { violations }) => sum + violations.length, 0);
console.log(bad === 0 ? 'nothing was lost, doubled or left' : `${bad} violations`);
process.exit(bad === 0 ? 0 : 1);

function readOptions() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      ...{ seed: { type: 'string' }, only: { type: 'string' }, break: { type: 'string' } },
      ...{ list: { type: 'boolean' }, help: { type: 'boolean' } },
    },
  });
  if (values.help) finish(usage);
  if (values.list) finish(faults.map(({ name, what }) => `${name.padEnd(16)}${what}`).join('\n'));
  const minutes = Number(values.minutes);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const names = values.only?.split(',') ?? faults.map(({ name }) => name);
  const chosen = faults.filter(({ name }) => names.includes(name));
  const broken = breaks.find((each) => each === values.break) as Break | undefined;
  const isGood = minutes > 0 && Number.isSafeInteger(seed) && chosen.length === names.length;
  if (!isGood || broken !== values.break) refuse(usage);
  return { minutes, seed, chosen, broken };
}

function finish(text: string): never {
  console.log(text);
  process.exit(0);
}

function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}
