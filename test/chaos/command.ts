/** A command that puts Ward through faults under load, one after another. Exit code 1 when Ward broke a promise. */
import { parseArgs } from 'node:util';
import { enterIsolation, isIsolated } from '../../src/sandbox/index.ts';
import { tableOf, violationLines } from './report.ts';
import type { FaultOutcome } from './run.ts';

export interface NamedFault {
  readonly name: string;
  /** Description for `--list`. */
  readonly what: string;
}

interface FaultCommand<F extends NamedFault, B extends string> {
  /** As in `npm run NAME`. */
  readonly name: string;
  /** Path of the program. */
  readonly program: string;
  readonly faults: readonly F[];
  /** Parts of Ward that can be taken out. */
  readonly breaks: readonly B[];
  /** Why it can't run here, or undefined. */
  readonly missing: () => string | undefined | Promise<string | undefined>;
  readonly run: (
    fault: F,
    options: { forMs: number; seed: number; broken: B | undefined },
  ) => Promise<FaultOutcome>;
}

/** Runs the command, and never returns. */
export async function runCommandOf<F extends NamedFault, B extends string>(
  command: FaultCommand<F, B>,
): Promise<never> {
  const options = readOptions(command);
  if (process.getuid?.() === 0 && !isIsolated())
    enterIsolation([process.execPath, ...process.execArgv, command.program, ...process.argv.slice(2)]);
  const missing = await command.missing();
  if (missing !== undefined) refuse(missing);
  console.log(`seed ${options.seed}`);
  const outcomes = new Map<string, FaultOutcome>();
  const eachMs = (options.minutes * 60_000) / options.chosen.length;
  const began = performance.now();
  for (const [index, fault] of options.chosen.entries()) {
    console.log(`${fault.name}: ${fault.what}`);
    // If a fault takes longer, the others get less time.
    const left = began + eachMs * (index + 1) - performance.now();
    const outcome = await command.run(fault, { forMs: left, seed: options.seed, broken: options.broken });
    outcomes.set(fault.name, outcome);
    for (const line of violationLines(outcome)) console.log(line);
  }
  console.log(tableOf(outcomes).join('\n'));
  const bad = [...outcomes.values()].reduce((sum, { violations }) => sum + violations.length, 0);
  console.log(bad === 0 ? 'nothing was lost, doubled or left' : `${bad} violations`);
  process.exit(bad === 0 ? 0 : 1);
}

function readOptions<F extends NamedFault, B extends string>({ name, faults, breaks }: FaultCommand<F, B>) {
  const usage = `usage: npm run ${name} -- [--minutes N] [--seed N] [--only FAULT,…] [--break PART] [--list] [--help]

  --minutes N     for all faults together; 10 by default
  --seed N        of moments and choices; a new one by default, which is printed
  --only FAULT,…  these alone, with all of the time
  --break PART    takes a part of Ward out, which has to be found out: ${breaks.join(', ')}
  --list          the faults`;
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      ...{ seed: { type: 'string' }, only: { type: 'string' }, break: { type: 'string' } },
      ...{ list: { type: 'boolean' }, help: { type: 'boolean' } },
    },
  });
  if (values.help) finish(usage);
  if (values.list) finish(faults.map(({ name: fault, what }) => `${fault.padEnd(16)}${what}`).join('\n'));
  const minutes = Number(values.minutes);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const names = values.only?.split(',') ?? faults.map((fault) => fault.name);
  const chosen = faults.filter((fault) => names.includes(fault.name));
  const broken = breaks.find((each) => each === values.break);
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
