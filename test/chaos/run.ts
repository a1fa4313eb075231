/** Runs one fault for its time, and judges the evidence. */

import { randomOf } from '../random.ts';
import { type Judgement, judge } from './check.ts';
import { noEvidence, type Violation } from './evidence.ts';
import { type Exercise, unproven } from './exercise.ts';
import type { Fault } from './faults.ts';
import { fullLoad, type LoadPlan } from './load.ts';
import type { LoadedSite } from './loaded-site.ts';
import { type Break, editsOf } from './mutations.ts';
import { Site } from './site.ts';
import { SmallDisk } from './small-disk.ts';

export interface FaultRun {
  readonly forMs: number;
  readonly seed: number;
  readonly load?: LoadPlan;
  /** The part of Ward to remove. */
  readonly broken?: Break | undefined;
  readonly patienceMs?: number;
  /** Once this rule is broken, nothing else is waited for. */
  readonly sought?: Violation['rule'] | undefined;
}

export interface FaultOutcome extends Judgement {
  readonly rounds: number;
  readonly exercised: readonly Exercise[];
  /** Places in the sources whose calls failed, and those that were only seen. */
  readonly failed: readonly string[];
  readonly unfailed: readonly string[];
}

/** For this time, further rounds do what the clients have not done yet. */
const moreMs = 120_000;
/** Pause after each of them, for what takes longer than there is between two faults. */
const pauseMs = 40_000;

/** Runs at least one round. */
export async function runFault(fault: Fault, options: FaultRun): Promise<FaultOutcome> {
  const { load = fullLoad, broken, patienceMs } = options;
  await using disk = fault.diskMiB === undefined ? undefined : await SmallDisk.mount(fault.diskMiB);
  const edits = broken === undefined ? [] : editsOf[broken];
  await using site = await Site.open({ load, disk, patienceMs, edits });
  return await runRounds(site, (random) => fault.round(site, random), options);
}

/** What a fault showed. One that could not begin or be cleared away is a violation, and the others go on. */
export async function outcomeOf(run: () => Promise<FaultOutcome>): Promise<FaultOutcome> {
  try {
    return await run();
  } catch (error) {
    const { counts } = judge(noEvidence, 0);
    const violations = [{ rule: 'broke off', what: textOf(error) }];
    return { counts, violations, rounds: 0, exercised: [], failed: [], unfailed: [] };
  }
}

/** Runs at least one round on servers under load, and judges them and the clients. */
export async function runRounds(
  site: LoadedSite,
  round: (random: () => number) => Promise<void>,
  { forMs, seed, sought }: Pick<FaultRun, 'forMs' | 'seed' | 'sought'>,
): Promise<FaultOutcome> {
  const random = randomOf(seed);
  const until = performance.now() + forMs;
  let rounds = 0;
  const roundsOf = async (): Promise<Judgement> => {
    do {
      await round(random);
      rounds++;
      if (performance.now() > until) await pauseForProof(site, sought);
    } while (!isBroken(site, sought) && performance.now() < until + (isUnproven(site) ? moreMs : 0));
    const early = await sooner(site, sought);
    if (early !== undefined) return early;
    const { counts, violations } = judge(await site.finish(), site.slots);
    return { counts, violations: [...violations, ...unproven(site.exercised())] };
  };
  const judgement = await roundsOf().catch((error) => brokenOff(error, site));
  return { ...judgement, rounds, exercised: site.exercised(), ...sitesIn(site.output()) };
}

async function pauseForProof(site: LoadedSite, sought: string | undefined): Promise<void> {
  const until = performance.now() + pauseMs;
  const slow = () => site.exercised().filter(({ isSlow }) => isSlow);
  const isEnough = () => unproven(slow()).length === 0 || isBroken(site, sought) || performance.now() > until;
  await site.until(isEnough, 'a pause does not end');
}

function isUnproven(site: LoadedSite): boolean {
  return unproven(site.exercised()).length > 0;
}

function isBroken(site: LoadedSite, rule: string | undefined): boolean {
  return rule !== undefined && judgeSoFar(site).violations.some((each) => each.rule === rule);
}

function judgeSoFar(site: LoadedSite): Judgement {
  return judge({ ...noEvidence, ...site.soFar() }, site.slots);
}

/** Only violations of this rule, because those of others need all the evidence. */
async function sooner(site: LoadedSite, sought: string | undefined): Promise<Judgement | undefined> {
  if (sought === undefined) return undefined;
  await site.until(() => isBroken(site, sought), `nothing ${sought}`, 100).catch(() => {});
  const { counts, violations } = judgeSoFar(site);
  const found = violations.filter(({ rule }) => rule === sought);
  return found.length === 0 ? undefined : { counts, violations: found };
}

/** Counts of the evidence that is known before the end. */
function brokenOff(error: unknown, site: LoadedSite): Judgement {
  const { counts } = judgeSoFar(site);
  return {
    counts,
    violations: [{ rule: 'broke off', what: `${textOf(error)}\n${endOf(site.output())}` }],
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function endOf(text: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('chaos: '))
    .slice(-15)
    .join('\n');
}

function sitesIn(output: string): Pick<FaultOutcome, 'failed' | 'unfailed'> {
  const lines = output.matchAll(/^chaos: (\{.*\})$/gm);
  const told = [...lines].map(([, json = '']) => JSON.parse(json) as { seen?: string; failed?: string });
  const failed = new Set(told.flatMap((each) => each.failed ?? []));
  const seen = new Set(told.flatMap((each) => each.seen ?? []));
  return { failed: [...failed].sort(), unfailed: [...seen].filter((each) => !failed.has(each)).sort() };
}
