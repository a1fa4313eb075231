/**
 * Placement on a simulated cluster: 1,000 invokers and 100,000 actions, with the code of `src/dispatch/placement/`,
 * against a central queue that knows everything. PLACEMENT_INVOKERS=100 makes it smaller.
 */
import {
  type Cluster,
  coldGoal,
  latencyGoals,
  type Run,
  simulate,
  simulateRestart,
} from './placement/simulation.ts';
import type { Figures } from './placement/tally.ts';
import { ms, type Row } from './table.ts';

const invokers = Number(process.env['PLACEMENT_INVOKERS'] ?? 1000);
const cluster: Cluster = { invokers, actions: invokers * 100, apiNodes: 4 };
const steady = { ...cluster, warmUpMs: 15_000, measuredMs: 5_000 };
const restart = { load: 0.7, backlogMs: 5_000, most: 60 };

export async function benchPlacement(): Promise<readonly Row[]> {
  return [...latencyGoals.flatMap(({ load, most }) => steadyRows(load, most)), restartRow()];
}

function steadyRows(load: number, most: number): readonly Row[] {
  const of = (placement: Run['placement']) => simulate({ ...steady, placement, load });
  const [ideal, ward] = [of('central'), of('ward')];
  const row = (what: string, text: (figures: Figures) => string) => ({
    what: `${what}, ${invokers} simulated invokers at ${load} of capacity`,
    baseline: `central queue ${text(ideal)}`,
    ward: text(ward),
  });
  const coldRatio = ward.cold / ideal.cold;
  const latencyRatio = ward.latencyP99Ms / ideal.latencyP99Ms;
  return [
    {
      ...row('calls that start cold', ({ cold }) => percent(cold)),
      result: `${coldRatio.toFixed(2)} ×`,
      target: `≤ ${coldGoal} ×`,
      isMet: coldRatio <= coldGoal,
    },
    {
      ...row('latency, p99', ({ latencyP99Ms }) => ms(latencyP99Ms)),
      result: `${latencyRatio.toFixed(2)} ×`,
      target: `≤ ${most} ×`,
      isMet: latencyRatio <= most,
    },
    {
      ...row('calls refused for load', ({ shed }) => percent(shed)),
      result: percent(ward.shed),
      target: '0 %',
      isMet: ward.shed === 0,
    },
  ];
}

function restartRow(): Row {
  const { load, backlogMs, most } = restart;
  const run = { ...steady, load, measuredMs: most * 1_000 };
  const of = (placement: Run['placement']) => simulateRestart({ ...run, placement }, backlogMs);
  const [ideal, ward] = [of('central'), of('ward')];
  const text = ({ recoveryMs, refusals }: typeof ward) =>
    `${recoveryMs === undefined ? `not in ${most} s` : `${recoveryMs / 1_000} s`}, ${refusals} refusals`;
  return {
    what: `all ${invokers} simulated invokers and the API nodes restart at once at ${load} of capacity, with ${backlogMs / 1000} s of calls waiting, until all is as before`,
    baseline: `central queue ${text(ideal)}`,
    ward: text(ward),
    result: ward.recoveryMs === undefined ? 'no' : `${ward.recoveryMs / 1_000} s`,
    target: `≤ ${most} s`,
    isMet: ward.recoveryMs !== undefined,
  };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
