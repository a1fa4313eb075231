/** `npm run fuzz`: bad inputs for all code that reads outside data. Exit code 1 when a part failed. */
import { fileURLToPath } from 'node:url';
import { enterIsolation, isIsolated } from '../../src/sandbox/index.ts';
import { readFlags } from '../flags.ts';
import { missingForSandboxes } from '../ward.ts';
import { attack } from './attack.ts';
import { parts } from './parts.ts';
import { printResults } from './table.ts';
import type { PartResult } from './types.ts';

const usage = `usage: npm run fuzz -- [--seed N] [--runs N] [--only PART]…
  --seed  the number that an earlier run printed: the same inputs again
  --runs  inputs in all; 100000
  --only  ${parts.map(({ name }) => name).join(', ')}`;

const values = readFlags(
  {
    options: {
      seed: { type: 'string' },
      runs: { type: 'string', default: '100000' },
      only: { type: 'string', multiple: true },
      help: { type: 'boolean', default: false },
    },
  },
  usage,
);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const runs = Number(values.runs);
const chosen = parts.filter(({ name }) => values.only?.includes(name) ?? true);
const unknown = values.only?.filter((name) => !parts.some((part) => part.name === name)) ?? [];
if (values.help || unknown.length > 0 || !Number.isSafeInteger(seed) || !(runs >= 1)) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}
if (process.getuid?.() === 0 && !isIsolated()) {
  // Passes them on, so that a repeated run has the same inputs.
  const args = [...process.argv.slice(2).filter((arg) => !arg.startsWith('--seed=')), `--seed=${seed}`];
  enterIsolation([process.execPath, fileURLToPath(import.meta.url), ...args]);
}

const missing = missingForSandboxes();
const shares = chosen.reduce((sum, { share }) => sum + share, 0);
console.log(`seed ${seed}`);
const results: PartResult[] = [];
for (const part of chosen) {
  if (part.needsSandboxes && missing !== undefined) {
    console.log(`${part.name} is skipped: ${missing}`);
    continue;
  }
  const inputs = Math.max(1, Math.round((runs * part.share) / shares));
  results.push(await attack(part, { runs: inputs, seed, onProgress: progress(part.name, inputs) }));
}
printResults(results);
const found = results.flatMap(({ findings }) => findings);
if (found.length > 0) console.log(`\nrun it again: npm run fuzz -- --seed ${seed} --runs ${runs}`);
process.exit(found.length > 0 || results.length === 0 ? 1 : 0);

/** Prints a line every few seconds. */
function progress(name: string, inputs: number): (done: number) => void {
  let saidAt = performance.now();
  return (done) => {
    if (performance.now() - saidAt < 5000) return;
    saidAt = performance.now();
    console.log(`${name}: ${done} of ${inputs}`);
  };
}
