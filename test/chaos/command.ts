/**
 * A command that puts Ward through faults under load, one after another. Exit code 1 when Ward broke a promise. With
 * `--break`, it takes parts of Ward out, and the exit code is 1 when it did not find that one is missing.
 */
import { enterIsolation, isIsolated } from '../../src/sandbox/index.ts';
import { readFlags } from '../flags.ts';
import type { Proof } from './mutations.ts';
import { tableOf, violationLines } from './report.ts';
import { type FaultOutcome, outcomeOf } from './run.ts';

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
  /** Parts of Ward that can be taken out, with what shows it. */
  readonly proofs: Readonly<Record<B, Proof>>;
  /** It can be told how long faults last. */
  readonly hasSpells?: boolean;
  /** Why it can't run here, or undefined. */
  readonly missing: () => string | undefined | Promise<string | undefined>;
  readonly run: (
    fault: F,
    options: {
      readonly forMs: number;
      readonly seed: number;
      readonly broken: B | undefined;
      readonly sought: string | undefined;
      readonly spellMs: number | undefined;
    },
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
  const eachMs = (options.minutes * 60_000) / options.trials.length;
  const began = performance.now();
  let isGood = true;
  for (const [index, { fault, broken, sought }] of options.trials.entries()) {
    console.log(`${fault.name}: ${fault.what}${broken === undefined ? '' : `, without ${broken}`}`);
    // If a fault takes longer, the others get less time. With none, they still go on until they prove something.
    const forMs = Math.max(0, began + eachMs * (index + 1) - performance.now());
    const { seed, spellMs } = options;
    const outcome = await outcomeOf(() => command.run(fault, { forMs, seed, broken, sought, spellMs }));
    outcomes.set(broken ?? fault.name, outcome);
    for (const line of violationLines(outcome)) console.log(line);
    const isFound = outcome.violations.some(({ rule }) => rule === sought);
    if (sought !== undefined) console.log(`  ${isFound ? 'found' : 'NOT FOUND'}: ${sought}`);
    isGood &&= sought === undefined ? outcome.violations.length === 0 : isFound;
  }
  console.log(tableOf(outcomes).join('\n'));
  const bad = [...outcomes.values()].reduce((sum, { violations }) => sum + violations.length, 0);
  console.log(bad === 0 ? 'nothing was lost, doubled or left' : `${bad} violations`);
  process.exit(isGood ? 0 : 1);
}

interface Trial<F, B> {
  readonly fault: F;
  readonly broken: B | undefined;
  /** The rule that must be broken. */
  readonly sought: string | undefined;
}

function readOptions<F extends NamedFault, B extends string>(command: FaultCommand<F, B>) {
  const { name, faults, proofs, hasSpells = false } = command;
  const parts = Object.keys(proofs) as B[];
  const spellUsage = hasSpells
    ? '\n  --spell N       seconds that each fault lasts, at least one in each run; by default less, as the fault needs it'
    : '';
  const usage = `usage: npm run ${name} -- [--minutes N] [--seed N] [--only FAULT,…] [--break PART]${hasSpells ? ' [--spell N]' : ''} [--list] [--help]

  --minutes N     for all faults together; 10 by default
  --seed N        of moments and choices; a new one by default, which is printed
  --only FAULT,…  these alone, with all of the time
  --break PART    takes a part of Ward out, under the fault that shows it or under those of --only. Exit code 1 if it is
                  not found out. ${parts.join(', ')}, or all${spellUsage}
  --list          the faults`;
  const values = readFlags(
    {
      options: {
        minutes: { type: 'string', default: '10' },
        ...{ seed: { type: 'string' }, only: { type: 'string' }, break: { type: 'string' } },
        ...(hasSpells && { spell: { type: 'string' } }),
        ...{ list: { type: 'boolean' }, help: { type: 'boolean' } },
      },
    },
    usage,
  );
  if (values.help) finish(usage);
  if (values.list) finish(faults.map(({ name: fault, what }) => `${fault.padEnd(16)}${what}`).join('\n'));
  const minutes = Number(values.minutes);
  const spellMs = values.spell === undefined ? undefined : Number(values.spell) * 1000;
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const names = values.only?.split(',');
  const broken = values.break === 'all' ? parts : parts.filter((each) => each === values.break);
  const trialsOf = (part: B | undefined): readonly Trial<F, B>[] => {
    const proof = part && proofs[part];
    const wanted = names ?? (proof && [proof.fault]);
    const chosen = faults.filter((fault) => wanted?.includes(fault.name) ?? true);
    return chosen.map((fault) => ({ fault, broken: part, sought: proof?.rule }));
  };
  const trials = values.break === undefined ? trialsOf(undefined) : broken.flatMap(trialsOf);
  const areKnown = names?.every((each) => faults.some((fault) => fault.name === each)) ?? true;
  const areNumbers = minutes > 0 && Number.isSafeInteger(seed) && (spellMs === undefined || spellMs > 0);
  if (!(areNumbers && areKnown && trials.length > 0)) refuse(usage);
  return { minutes, seed, spellMs, trials };
}

function finish(text: string): never {
  console.log(text);
  process.exit(0);
}

function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}
