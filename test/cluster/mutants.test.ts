/** The mutants of `npm run test:cluster`, whose runs are done by hand. */
import { expect, it } from 'vitest';
import { readText } from '../docs/markdown.ts';
import { hurry } from './churn.ts';
import { clusterFaults } from './faults.ts';
import { hurryLayers } from './layers.ts';
import { mutantNames, mutants, proofs } from './mutants.ts';

it.each(mutantNames)('the code to remove for the %s is in the sources, and a fault shows it', (name) => {
  for (const { file, from } of mutants[name]) expect(readText(file)).toContain(from);
  expect(clusterFaults.map((fault) => fault.name)).toContain(proofs[name].fault);
});

it('the code that keeps unneeded code and layers for an hour is in the sources', () => {
  for (const { file, from } of [...hurry, ...hurryLayers]) expect(readText(file)).toContain(from);
});
