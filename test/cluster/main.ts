/** `npm run test:cluster`: every fault of a cluster in turn. */
import { fileURLToPath } from 'node:url';
import { runCommandOf } from '../chaos/command.ts';
import { missingForCluster } from './engines.ts';
import { clusterFaults } from './faults.ts';
import { proofs } from './mutants.ts';
import { runClusterFault } from './run.ts';

const reusing = globalThis.fetch;
// On a busy machine a server can close a kept connection just as the client uses it again.
globalThis.fetch = (url, init = {}) => {
  const headers = new Headers(init.headers);
  headers.set('connection', 'close');
  return reusing(url, { ...init, headers });
};

await runCommandOf({
  name: 'test:cluster',
  program: fileURLToPath(import.meta.url),
  ...{ faults: clusterFaults, proofs },
  missing: missingForCluster,
  run: runClusterFault,
});
