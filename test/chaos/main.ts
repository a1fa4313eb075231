/** `npm run test:chaos`: every fault of one Ward in turn. */
import { fileURLToPath } from 'node:url';
import { missingForSandboxes } from '../ward.ts';
import { runCommandOf } from './command.ts';
import { faults } from './faults.ts';
import { proofs } from './mutations.ts';
import { runFault } from './run.ts';

await runCommandOf({
  name: 'test:chaos',
  program: fileURLToPath(import.meta.url),
  ...{ faults, proofs },
  missing: missingForSandboxes,
  run: runFault,
});
