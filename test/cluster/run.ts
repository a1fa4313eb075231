/** Runs one fault on a cluster for its time, and judges the evidence. */
import type { LoadPlan } from '../chaos/load.ts';
import { type FaultOutcome, type FaultRun, runRounds } from '../chaos/run.ts';
import type { ClusterFault } from './faults.ts';
import { type Mutant, mutants } from './mutants.ts';
import { ClusterSite } from './site.ts';

interface ClusterRun extends Omit<FaultRun, 'broken'> {
  readonly natsServers?: number;
  readonly broken?: Mutant | undefined;
  readonly spellMs?: number | undefined;
}

const clusterLoad: LoadPlan = {
  clients: {
    ...{ accepted: 2, retried: 1, blocking: 2, late: 1, sequence: 1, conductor: 1, firing: 1 },
    ...{ web: 1, webhook: 1, logs: 1, large: 1, fails: 1 },
  },
};

/** What is lost without a part of Ward never comes. */
const brokenPatienceMs = 60_000;

/** Runs at least one round. */
export async function runClusterFault(fault: ClusterFault, options: ClusterRun): Promise<FaultOutcome> {
  const { load = clusterLoad, natsServers = 3, broken } = options;
  const patienceMs = options.patienceMs ?? (broken === undefined ? undefined : brokenPatienceMs);
  const edits = broken === undefined ? [] : mutants[broken];
  await using site = await ClusterSite.open({
    load,
    natsServers,
    edits,
    patienceMs,
    isCalm: fault.isCalm === true,
    nodeDiskMiB: fault.nodeDiskMiB,
    needsRestored: fault.needsRestored === true,
    hasInvoker: fault.hasInvoker === true,
    spellMs: options.spellMs,
  });
  const round = async (random: () => number) => {
    await fault.round(site, random);
    await site.noteDeadlocks();
  };
  return await runRounds(site, round, options);
}
