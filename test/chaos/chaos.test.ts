/** A short run of `npm run test:chaos`, and proof that it detects a missing part of Ward. */
import { describe, expect, it } from 'vitest';
import { readText } from '../docs/markdown.ts';
import { missingForSandboxes } from '../ward.ts';
import { faultOf, shortRuns } from './faults.ts';
import { lightLoad } from './load.ts';
import { type Break, breaks, editsOf, proofs } from './mutations.ts';
import { type FaultRun, runFault } from './run.ts';

const missing = missingForSandboxes();

/** Seeds whose first kill comes while an accepted call runs, and right after one was accepted. */
const seeds = { running: 7, accepted: 6 };

/** Time for several faults with a start and a stop each, on a busy machine. */
const runMs = 300_000;

const once = (names: readonly string[], more: Partial<FaultRun> = {}) =>
  runFault(faultOf(...names), { forMs: 0, seed: seeds.running, load: lightLoad, ...more });

it.each(breaks)('the code to remove for the %s is in the sources', (broken) => {
  for (const { file, from } of editsOf[broken]) expect(readText(file)).toContain(from);
});

describe.skipIf(missing !== undefined)(`under load${missing ? ` (${missing})` : ''}`, () => {
  it.each(shortRuns.map((names) => [names.join(', '), names] as const))(
    'nothing is lost, doubled or left: %s',
    async (_, names) => {
      const { counts, violations } = await once(names);
      expect(violations).toEqual([]);
      expect(counts.runs).toBeGreaterThanOrEqual(10);
    },
    runMs,
  );

  it.each<[broken: Break, seed: number]>([
    ['fence', seeds.running],
    ['claim', seeds.running],
    ['flush', seeds.accepted],
  ])(
    'without the %s a kill is detected',
    async (broken, seed) => {
      const { fault, rule } = proofs[broken];
      // What has no record is known only at the end, and some of it never comes.
      const more = rule === 'no record' ? { patienceMs: 10_000 } : { sought: rule };
      const { violations } = await once([fault], { broken, seed, ...more });
      expect(violations.map((each) => each.rule)).toContain(rule);
    },
    runMs,
  );
});
