/** Threads that run a program of Ward's own. */
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';

/**
 * A thread does not use its process's cache of compiled code by itself: it would load Node's whole TypeScript parser,
 * about 20 MiB that stay in memory, to read a few small files.
 */
const startCached = `
  const { workerData } = require('node:worker_threads');
  require('node:module').enableCompileCache(workerData.compileCache);
  import(workerData.program);
`;

/** @param workerData passed to the program under that name, together with the data for the start itself */
export function startThread(program: URL, name: string, workerData: object): Worker {
  const cache = getCompileCacheDir();
  if (cache === undefined) return new Worker(program, { name, workerData });
  return new Worker(startCached, {
    name,
    eval: true,
    // Node adds a folder for its version.
    workerData: { ...workerData, program: program.href, compileCache: dirname(cache) },
  });
}
