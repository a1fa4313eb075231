/** A short run of `npm run test:chaos`, and that it finds out when a part of Ward is missing. */
import { describe, expect, it } from 'vitest';
import { missingForSandboxes } from '../ward.ts';
import { faults } from './faults.ts';
import { lightLoad } from './load.ts';
import type { Break } from './mutations.ts';
import { type FaultRun, runFault } from './run.ts';

const missing = missingForSandboxes();

/** Its first kill is while an accepted call runs, and when one was just accepted. */
const seeds = { running: 7, accepted: 6 };

const once = (name: string, more: Partial<FaultRun> = {}) => {
  const fault = faults.find((each) => each.name === name);
  if (fault === undefined) throw new Error(`there is no fault ${name}`);
  return runFault(fault, { forMs: 0, seed: seeds.running, load: lightLoad, ...more });
};

describe.skipIf(missing !== undefined)(`under load${missing ? ` (${missing})` : ''}`, () => {
  it.each(['kill', 'restart', 'read-only'])('%s: nothing is lost, doubled or left', async (name) => {
    const { counts, violations } = await once(name);
    expect(violations).toEqual([]);
    expect(counts.runs).toBeGreaterThanOrEqual(10);
  });

  it.each<[broken: Break, seed: number]>([
    ['fence', seeds.running],
    ['claim', seeds.running],
    ['flush', seeds.accepted],
  ])('without the %s a kill is found out', async (broken, seed) => {
    const { violations } = await once('kill-server', { broken, seed, patienceMs: 10_000 });
    expect(violations.map(({ rule }) => rule)).toContain(
      { fence: 'ran twice', claim: 'ran twice', flush: 'no record' }[broken],
    );
  });
});
