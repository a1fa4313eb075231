/** The goals of placement, in a small simulated cluster. `npm run bench -- placement` has the large one. */
import { describe, expect, it } from 'vitest';
import {
  coldGoal,
  latencyGoals,
  type Placement,
  type Run,
  simulate,
  simulateRestart,
} from '../bench/placement/simulation.ts';

const cluster = { invokers: 50, actions: 2_000, apiNodes: 4, warmUpMs: 25_000, measuredMs: 5_000 };
const run = (placement: Placement, load: number): Run => ({ ...cluster, placement, load });
const mostRecoveryMs = 40_000;

describe('placement, against a central queue that knows everything', () => {
  it.each(latencyGoals)('starts few calls cold and keeps p99 low at $load of capacity', ({ load, most }) => {
    const [ideal, ward] = [simulate(run('central', load)), simulate(run('ward', load))];
    expect(ward.cold).toBeLessThanOrEqual(coldGoal * ideal.cold);
    expect(ward.latencyP99Ms).toBeLessThanOrEqual(most * ideal.latencyP99Ms);
    expect(ward.shed).toBe(0);
  });

  it('misses these goals if it chooses by chance', () => {
    const [ideal, chance] = [simulate(run('central', 0.9)), simulate(run('chance', 0.9))];
    expect(chance.cold).toBeGreaterThan(coldGoal * ideal.cold);
    expect(chance.latencyP99Ms).toBeGreaterThan(2 * ideal.latencyP99Ms);
  });

  it('refuses at once what is too much, and completes no less for it', () => {
    const full = simulate(run('ward', 0.9));
    const tooMuch = simulate({ ...run('ward', 2), mostQueued: 20 });
    expect(tooMuch.shed).toBeGreaterThan(0.2);
    expect(tooMuch.calls * (1 - tooMuch.shed)).toBeGreaterThan(0.95 * full.calls);
    expect(tooMuch.latencyP99Ms).toBeLessThan(4 * full.latencyP99Ms);
    expect(tooMuch.refused).toBeLessThan(1);
  });

  it('recovers when all nodes restart at once with calls of 5 s waiting', () => {
    const restart = { ...run('ward', 0.7), measuredMs: mostRecoveryMs };
    const { recoveryMs, refusals } = simulateRestart(restart, 5_000);
    expect(recoveryMs).toBeLessThanOrEqual(mostRecoveryMs);
    expect(refusals).toBeLessThan(100);
    const chance = simulateRestart({ ...restart, placement: 'chance', measuredMs: 30_000 }, 5_000);
    expect(chance.recoveryMs).toBeUndefined();
  });
});
