/** `npm run test:cluster`: every fault of a cluster in turn. */
import { fileURLToPath } from 'node:url';
import { runCommandOf } from '../chaos/command.ts';
import { keepNoConnections } from '../chaos/load.ts';
import { missingForCluster } from './engines.ts';
import { clusterFaults } from './faults.ts';
import { proofs } from './mutants.ts';
import { runClusterFault } from './run.ts';

keepNoConnections();
await runCommandOf({
  name: 'test:cluster',
  program: fileURLToPath(import.meta.url),
  ...{ faults: clusterFaults, proofs, hasSpells: true },
  missing: missingForCluster,
  run: runClusterFault,
});
