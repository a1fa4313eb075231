/** `npm run test:kill`: 200 kills of a server under load. Exit code 1 when something is lost or left behind. */
import { fileURLToPath } from 'node:url';
import { enterIsolation, isIsolated } from '../../src/sandbox/index.ts';
import { readFlags } from '../flags.ts';
import { missingForSandboxes } from '../ward.ts';
import { killOverAndOver } from './rounds.ts';

const usage = 'usage: npm run test:kill -- [--kills N] [--seed N]';
const values = readFlags(
  { options: { kills: { type: 'string', default: '200' }, seed: { type: 'string' } } },
  usage,
);
const kills = Number(values.kills);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
if (!Number.isSafeInteger(kills) || kills < 1 || !Number.isSafeInteger(seed)) {
  console.error(usage);
  process.exit(2);
}
if (process.getuid?.() === 0 && !isIsolated()) {
  enterIsolation([process.execPath, fileURLToPath(import.meta.url), `--kills=${kills}`, `--seed=${seed}`]);
}
const missing = missingForSandboxes();
if (missing !== undefined) {
  console.error(missing);
  process.exit(2);
}
console.log(`seed ${seed}`);
const answered = await killOverAndOver({
  ...{ kills, seed },
  onKill: (count, so) => {
    if (count % 10 === 0) console.log(`${count} kills: ${JSON.stringify(so)}`);
  },
});
console.log(`${kills} kills; nothing of ${JSON.stringify(answered)} was lost, nothing was left`);
